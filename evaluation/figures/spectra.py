"""Radial spectra of reconstructions against those of the data."""

import numpy as np
from matplotlib.figure import Figure

from evaluation import scoring
from evaluation.figures.style import WIDTH, lines
from evaluation.metrics.blur import equivalent_blur, gaussian_blur, radial_spectrum
from evaluation.metrics.display import as_displayed

BLURS = (0.5, 1, 1.5)  # blurs of the data that are shown for comparison, pixels


def spectra(material):
    """Plot the radial spectrum of each model's reconstructions, and its difference from that of the test images.

    Reconstructions are made as for the table: from a sample of the posterior (seed 0) and, by a model of
    damaged images, from damaged ones. The legend has their equivalent blur. Grey lines are the data under
    a Gaussian blur.
    """
    images = as_displayed(material.images)
    figure = Figure((WIDTH, 3.4), layout="constrained")
    level, difference = figure.subplots(1, 2)
    frequencies, expected = radial_spectrum(images)
    level.plot(frequencies, expected, color="black", linewidth=2.5, label="data")
    for sigma in BLURS:
        blurred = radial_spectrum(gaussian_blur(images, sigma))[1] - expected
        difference.plot(frequencies, blurred, color="0.6", linewidth=1, zorder=1)
        difference.text(1.04 * frequencies[-1], blurred[-1], f"{sigma} px", color="0.4", va="center", size=7)
    for name, style in lines(list(material.models)).items():
        batches = scoring.batches(material.models[name], images, "sample")
        found = np.concatenate([batch.reconstruction for batch in batches])
        power = radial_spectrum(found)[1]
        style["label"] = f"{name}, {equivalent_blur(found, images):.2f} px"
        level.plot(frequencies, power, **style)
        difference.plot(frequencies, power - expected, **style)
    difference.axhline(0, color="black", linewidth=2.5)
    for axis, label in ((level, "power (dB)"), (difference, "power relative to the data (dB)")):
        axis.set(xscale="log", xlabel="cycles per pixel", ylabel=label, xticks=[0.05, 0.1, 0.2, 0.5])
        axis.set_xticklabels([0.05, 0.1, 0.2, 0.5])
        axis.minorticks_off()
        axis.grid(alpha=0.2)
    level.legend(fontsize="small")
    difference.set_title("grey: the data under a Gaussian blur", size=8)
    difference.set_xlim(right=0.75)
    level.set_title("px: equivalent blur", size=8)
    return figure

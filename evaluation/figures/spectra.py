"""Radial spectra of reconstructions against the data's."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures.style import WIDTH, lines
from evaluation.metrics.blur import equivalent_blur, gaussian_blur, radial_spectrum
from evaluation.metrics.display import drawn
from evaluation.metrics.quality import reconstructions

RULER = (0.5, 1, 1.5)  # blurs of the data that are drawn for comparison, pixels


def spectra(material):
    """The radial spectrum of the test images by every loss, and its difference from the data's.

    z is a sample of the posterior (seed 0), and a model of damaged images is given damaged ones, as in
    the table; in the legend the equivalent blur.
    The grey lines are the data under a Gaussian blur.
    """
    images = drawn(material.images)
    figure = Figure((WIDTH, 3.4), layout="constrained")
    level, difference = figure.subplots(1, 2)
    frequencies, expected = radial_spectrum(images)
    level.plot(frequencies, expected, color="black", linewidth=2.5, label="data")
    for sigma in RULER:
        ruler = radial_spectrum(gaussian_blur(images, sigma))[1] - expected
        difference.plot(frequencies, ruler, color="0.6", linewidth=1, zorder=1)
        difference.text(1.04 * frequencies[-1], ruler[-1], f"{sigma} px", color="0.4", va="center", size=7)
    for loss, style in lines(list(material.models)).items():
        made = np.concatenate(list(reconstructions(material.models[loss], images, "sample")))
        found = radial_spectrum(made)[1]
        style["label"] = f"{loss} ({equivalent_blur(made, images):.2f} px)"
        level.plot(frequencies, found, **style)
        difference.plot(frequencies, found - expected, **style)
    difference.axhline(0, color="black", linewidth=2.5)
    for axis, label in ((level, "power (dB)"), (difference, "power against the data's (dB)")):
        axis.set(xscale="log", xlabel="cycles a pixel", ylabel=label, xticks=[0.05, 0.1, 0.2, 0.5])
        axis.set_xticklabels([0.05, 0.1, 0.2, 0.5])
        axis.minorticks_off()
        axis.grid(alpha=0.2)
    level.legend(fontsize="small")
    difference.set_title("grey: the data under a Gaussian blur", size=8)
    difference.set_xlim(right=0.75)
    level.set_title("in brackets: equivalent blur", size=8)
    return figure

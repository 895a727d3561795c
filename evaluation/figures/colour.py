"""Colour images by every loss, side by side."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures.style import WIDTH, label_row, show_row
from evaluation.metrics.display import as_displayed
from evaluation.scoring import reconstructed

NUM_IMAGES = 8
SEED = 0


def comparison(material):
    """Show reconstructions of test images (posterior mean) and samples of the prior, a row for each model.

    The first row has the test images and, beside them, further ones. Source: figures 3 and 5 of Bredell et al. 2023.
    """
    images, further = np.array_split(as_displayed(material.images[: 2 * NUM_IMAGES]), 2)
    rows = {"data": (images, further)}
    for name, model in material.models.items():
        rows[name] = reconstructed(model, images), np.asarray(model.sample(len(further), SEED))
    figure = Figure((WIDTH, 0.3 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 2, squeeze=False)
    for pair, (name, blocks) in zip(axes, rows.items(), strict=True):
        label_row(pair[0], name)
        for axis, block in zip(pair, blocks, strict=True):
            show_row(axis, block)
    for axis, title in zip(axes[0], ("reconstructions", "samples of the prior"), strict=True):
        axis.set_title(title, size=9)
    return figure

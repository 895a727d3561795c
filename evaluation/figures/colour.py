"""Pictures by every loss, side by side."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures.style import WIDTH, picture
from evaluation.metrics.display import drawn

TILES = 8
SEED = 0


def comparison(material):
    """Test images with their reconstructions (posterior mean), and samples of the prior, a row a loss.

    Beside the data stand further test images. Source: figures 3 and 5 of Bredell et al. 2023.
    """
    images = drawn(material.images[: 2 * TILES])
    first, further = np.array_split(images, 2)
    rows = {"data": (first, further)}
    rows |= {
        loss: (np.asarray(model.reconstruct(first)), np.asarray(model.sample(len(further), SEED)))
        for loss, model in material.models.items()
    }
    figure = Figure((WIDTH, 0.3 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 2, squeeze=False)
    for line, (name, blocks) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", size=8)
        for axis, tiles in zip(line, blocks, strict=True):
            picture(axis, np.concatenate(tiles, axis=1))
    for axis, title in zip(axes[0], ("reconstructions", "samples of the prior"), strict=True):
        axis.set_title(title, size=9)
    return figure

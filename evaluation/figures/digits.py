"""Rows of digits: one row a loss."""

import numpy as np
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist

from evaluation.figures.style import WIDTH, picture
from evaluation.metrics.blur import equivalent_blur_of_each
from evaluation.metrics.display import drawn

NUM_SAMPLES, NUM_DRAWS = 12, 2000
SEED = 0


def reconstructions(material):
    """The first test digit of each class by every loss (posterior mean), and the blur of each tile.

    The blur is the equivalent blur against the data's digit above it.
    """
    firsts = [int(np.flatnonzero(material.labels == label)[0]) for label in range(10)]
    images = drawn(material.images[firsts])
    tiles = {"data": images} | {loss: np.asarray(model.reconstruct(images)) for loss, model in material.models.items()}
    blurs = {loss: equivalent_blur_of_each(row, images) for loss, row in tiles.items() if loss != "data"}
    figure = rows_of_digits(tiles, {loss: [f"{value:.1f}" for value in row] for loss, row in blurs.items()})
    figure.supxlabel("under each digit: σ, in pixels, of the Gaussian that would blur the data's digit as much", size=8)
    return figure


def samples(material):
    """Samples of every loss's prior, chosen to be the same digits.

    Every loss has a latent plane of its own, so the same numbers z are other digits elsewhere. Here
    the last loss decodes the first NUM_SAMPLES of NUM_DRAWS latents drawn from the prior, and every
    loss shows, of all it decodes from them, the picture nearest to each (squared error).
    """
    draws = {loss: drawn(model.sample(NUM_DRAWS, SEED)) for loss, model in material.models.items()}
    *_, last = draws
    rows = {loss: nearest(images, draws[last][:NUM_SAMPLES]) for loss, images in draws.items()}
    figure = rows_of_digits(rows)
    caption = f"{NUM_SAMPLES} samples of {last}, and the nearest to each of {NUM_DRAWS:,} samples of every other loss"
    figure.supxlabel(caption, size=8)
    return figure


def nearest(images, wanted):
    """For each of the pictures `wanted` [M, H, W, C] the nearest of `images` [N, H, W, C], squared error."""
    distances = cdist(wanted.reshape(len(wanted), -1), images.reshape(len(images), -1), "sqeuclidean")
    return images[distances.argmin(1)]


def rows_of_digits(rows, notes=None):
    """A figure of `rows`, name → images [N, H, W, C], with `notes`, name → N texts, under the digits."""
    notes = notes or {}
    figure = Figure((WIDTH, sum(0.82 if name in notes else 0.66 for name in rows) + 0.25), layout="constrained")
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axis, (name, tiles) in zip(axes, rows.items(), strict=True):
        picture(axis, np.concatenate(tiles, axis=1))
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        centres = (np.arange(len(tiles)) + 0.5) * tiles.shape[2] - 0.5
        axis.set_xticks(centres, notes.get(name, [""] * len(tiles)), size=7)
        axis.tick_params(length=0, pad=1)
    return figure

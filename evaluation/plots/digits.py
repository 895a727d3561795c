"""Rows of digits: one row a loss."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.blur import equivalent_blur_of_each
from evaluation.drawn import drawn
from evaluation.plots.style import WIDTH, picture

NUM_SAMPLES = 12
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
    figure.supxlabel(
        "under each digit: its blur in pixels, as wide as the Gaussian that blurs the data's alike", size=8
    )
    return figure


def samples(material):
    """Samples of the last loss's prior, and the same digits by every other loss.

    Every loss has a latent plane of its own, so the same numbers z are other digits elsewhere. Here
    z is drawn once, for the last loss, and decoded; every other loss encodes that picture and decodes
    the mean of its posterior.
    """
    rows = corresponding(material.models, NUM_SAMPLES, SEED)
    figure = rows_of_digits(rows)
    *_, reference = material.models
    figure.supxlabel(
        f"z drawn for {reference}; every other loss shows the same digits at its own place for them", size=8
    )
    return figure


def corresponding(models, count, seed):
    """A row [count, H, W, C] a model: samples of the last one's prior, and what the others make of them."""
    *others, reference = models
    drawn_first = models[reference].sample(count, seed)
    return {loss: np.asarray(models[loss].reconstruct(drawn(drawn_first))) for loss in others} | {
        reference: np.asarray(drawn_first)
    }


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

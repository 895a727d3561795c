"""Rows of digits, a row for each model."""

import numpy as np
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist

from evaluation.figures.style import WIDTH, label_columns, label_row, show_row
from evaluation.metrics.blur import equivalent_blur_of_each
from evaluation.metrics.display import as_displayed
from evaluation.scoring import reconstructed

NUM_SAMPLES, NUM_CANDIDATES = 12, 2000
SEED = 0


def reconstructions(material):
    """Show the first test digit of each class and its reconstructions (posterior mean), with the blur of each.

    The blur is the equivalent blur, in pixels, against the digit in the first row.
    """
    firsts = [int(np.flatnonzero(material.labels == label)[0]) for label in range(10)]
    images = as_displayed(material.images[firsts])
    rows = {name: reconstructed(model, images) for name, model in material.models.items()}
    blurs = {name: equivalent_blur_of_each(row, images) for name, row in rows.items()}
    texts = {name: [f"{value:.1f}" for value in values] for name, values in blurs.items()}
    figure = rows_of_digits({"data": images} | rows, texts)
    figure.supxlabel("below each digit: σ (px) of the Gaussian that blurs the digit of the data as much", size=8)
    return figure


def samples(material):
    """Show samples of each model's prior, chosen so that a column has the same digit in every row.

    Models have different latent planes, so one latent gives different digits. The last model decodes the
    first NUM_SAMPLES of NUM_CANDIDATES latents. For each of these images, every model shows the nearest
    (squared error) of all that it decodes from the candidates.
    """
    candidates = {name: as_displayed(model.sample(NUM_CANDIDATES, SEED)) for name, model in material.models.items()}
    *_, last = candidates
    wanted = candidates[last][:NUM_SAMPLES]
    figure = rows_of_digits({name: nearest(images, wanted) for name, images in candidates.items()})
    caption = f"last row: {NUM_SAMPLES} samples; other rows: the nearest of {NUM_CANDIDATES:,} samples to each"
    figure.supxlabel(caption, size=8)
    return figure


def nearest(images, wanted):
    """Return for each of the images `wanted` [M, H, W, C] the nearest of `images` [N, H, W, C] by squared error."""
    distances = cdist(wanted.reshape(len(wanted), -1), images.reshape(len(images), -1), "sqeuclidean")
    return images[distances.argmin(1)]


def rows_of_digits(rows, texts=None):
    """Return a figure of `rows`, name → images [N, H, W, C], with `texts`, name → N texts, below the images."""
    texts = texts or {}
    height = sum(0.78 if name in texts else 0.62 for name in rows) + 0.25
    figure = Figure((WIDTH, height), layout="constrained")
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axis, (name, images) in zip(axes, rows.items(), strict=True):
        show_row(axis, images)
        label_row(axis, name)
        label_columns(axis, texts.get(name, [""] * len(images)), images.shape[2])
    return figure

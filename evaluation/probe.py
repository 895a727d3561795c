"""What a loss is sensitive to: its value for digits under a controlled blur, shift and noise."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import losses
from evaluation import markdown
from evaluation.markdown import display_name
from evaluation.metrics.blur import gaussian_blur

NUM_IMAGES = 256
# probabilities this near to 0 and 1 stand for them where a loss takes logits
LEAST_PROBABILITY = 0.01


def shifted(images, pixels):
    """Return images [N, H, W, C] moved to the right by a whole number of pixels; black comes in."""
    return np.pad(images, [(0, 0), (0, 0), (pixels, 0), (0, 0)])[:, :, : images.shape[2]]


def noisy(images, sigma):
    """Return images [N, H, W, C] with white Gaussian noise of standard deviation `sigma`, always the same noise."""
    return images + sigma * np.random.default_rng(0).standard_normal(images.shape, np.float32)


class Disturbance(NamedTuple):
    """What is done to images [N, H, W, C], how strongly, and in which unit."""

    apply: Callable
    strengths: tuple
    unit: str


DISTURBANCES = {
    "blur": Disturbance(gaussian_blur, (0, 0.5, 1, 1.5, 2, 2.5, 3), "σ, pixels"),
    "shift": Disturbance(shifted, (0, 1, 2, 3, 4), "pixels"),
    "noise": Disturbance(noisy, (0, 0.1, 0.2, 0.3, 0.4, 0.5), "σ, of range 1"),
}


def responses(probed, images):
    """Return the mean of every loss over disturbed images, as a fraction of its mean for blank ones.

    Args: `probed`, name → reconstruction loss; `images` float32 [N, H, W, C] in [0, 1].
    Returns: name of the disturbance → name of the loss → values [strengths].
    """
    blank = {name: value(loss, images, np.zeros_like(images)) for name, loss in probed.items()}
    return {
        disturbance: {
            name: np.array([value(loss, images, apply(images, strength)) for strength in strengths]) / blank[name]
            for name, loss in probed.items()
        }
        for disturbance, (apply, strengths, _) in DISTURBANCES.items()
    }


def value(loss, images, others):
    """Return the mean of a reconstruction loss between `images` and a decoder's output that stands for `others`."""
    if losses.output_space(loss.label) == "logits":
        probability = np.clip(others, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        others = np.log(probability / (1 - probability))
    return np.mean(loss.call(images, others))


def with_terms(probed):
    """Return the losses `probed`, by name, and after them the terms of those that add up several."""
    terms = [term for loss in probed.values() if len(loss.losses) > 1 for term in loss.losses]
    return probed | {term.label: term for term in terms if term.label not in probed}


def table(found):
    """Return the responses in Markdown: a row for each disturbance, a column for each loss."""
    names = list(next(iter(found.values())))
    rows = [
        [f"{disturbance} {strength:g} ({unit})", *(markdown.number(found[disturbance][name][i], 3) for name in names)]
        for disturbance, (_, strengths, unit) in DISTURBANCES.items()
        for i, strength in enumerate(strengths)
        if strength
    ]
    return markdown.table(["disturbance", *map(display_name, names)], rows)

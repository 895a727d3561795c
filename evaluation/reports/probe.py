"""What a loss is sensitive to: its value for digits under a controlled blur, shift and noise."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from evaluation.metrics.blur import gaussian_blur
from evaluation.reports.table import markdown
from losses import output_space

NUM_IMAGES = 256
# probabilities this near to 0 and 1 stand for them where a loss takes logits
LEAST_PROBABILITY = 0.01


def shifted(images, pixels):
    """Images [N, H, W, C] moved to the right by a whole number of pixels; black comes in."""
    return np.pad(images, [(0, 0), (0, 0), (pixels, 0), (0, 0)])[:, :, : images.shape[2]]


def noisy(images, sigma):
    """Images [N, H, W, C] with white Gaussian noise of standard deviation `sigma`, always the same, unclipped."""
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


def responses(losses, images):
    """The mean of every loss over disturbed images, as a fraction of its mean for blank ones.

    Args: `losses`, name → reconstruction loss; float32 `images` [N, H, W, C] in [0, 1].
    Returns: name of the disturbance → name of the loss → values [strengths].
    """
    blank = {name: value(loss, images, np.zeros_like(images)) for name, loss in losses.items()}
    return {
        disturbance: {
            name: np.array([value(loss, images, apply(images, strength)) for strength in strengths]) / blank[name]
            for name, loss in losses.items()
        }
        for disturbance, (apply, strengths, _) in DISTURBANCES.items()
    }


def value(loss, images, pictures):
    """The mean of a reconstruction loss if `pictures` are what the decoder's output stands for."""
    if output_space(loss.label) == "logits":
        probability = np.clip(pictures, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        pictures = np.log(probability / (1 - probability))
    return np.mean(loss.call(images, pictures))


def with_terms(losses):
    """`losses`, name → reconstruction loss, and after them the terms of those that add up several."""
    terms = [term for loss in losses.values() if len(loss.losses) > 1 for term in loss.losses]
    return losses | {term.name: term for term in terms if term.name not in losses}


def table(found):
    """The responses in Markdown, a row a disturbance, a column a loss."""
    losses = list(next(iter(found.values())))
    rows = [
        [f"{name} {strength:g} ({unit})", *(f"{found[name][loss][i]:.3f}" for loss in losses)]
        for name, (_, strengths, unit) in DISTURBANCES.items()
        for i, strength in enumerate(strengths)
        if strength
    ]
    return markdown(["disturbance", *losses], rows)

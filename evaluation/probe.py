"""What a loss is sensitive to: its value for digits under a controlled blur, shift and noise."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

import losses
from evaluation import markdown
from evaluation.markdown import display_name
from evaluation.metrics.blur import gaussian_blur

NUM_IMAGES = 256
# the blur, σ in pixels, under which the terms of a sum are compared: about that of a trained model
BLUR = 1.4
# probabilities this near to 0 and 1 stand for them where a loss takes logits
LEAST_PROBABILITY = 0.01
# what is left of a term that compares phases and amplitudes when a hyperparameter is 0
PARTS = {"amp_coef": "phases", "arg_coef": "amplitudes"}


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
    return np.mean(loss.call(images, as_output(loss, others)))


def as_output(loss, images):
    """Return the decoder's output that stands for `images` in [0, 1]: themselves, or where it takes them, logits."""
    if losses.output_space(loss.label) != "logits":
        return images
    probability = np.clip(images, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.log(probability / (1 - probability))


def blur_in_shifts(found):
    """Return what a blur of σ = 1 costs in shifts by one pixel, by the name of the loss. `found` are the responses."""
    blur, shift = (
        {name: values[DISTURBANCES[one].strengths.index(1)] for name, values in found[one].items()}
        for one in ("blur", "shift")
    )
    return {name: blur[name] / shift[name] for name in blur}


def shares(loss, images):
    """Return what each term has of a sum, and of its gradient, where `images` are blurred by BLUR pixels.

    The gradient is that with respect to the reconstruction. A term's share of it is its norm over the sum of the
    norms of all terms, each the mean over images.

    Args: `loss`, a WeightedSum; `images` float32 [N, H, W, C] in [0, 1].
    Returns: name of the term → (share of the value, share of the gradient), from 0 to 1.
    """
    blurred = tf.constant(as_output(loss, gaussian_blur(images, BLUR)))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(blurred)
        terms = loss.terms(images, blurred)
    values = np.array([np.mean(term) for term in terms.values()])
    norms = np.array([mean_norm(tape.gradient(term, blurred).numpy()) for term in terms.values()])
    return dict(zip(terms, zip(values / values.sum(), norms / norms.sum(), strict=True), strict=True))


def mean_norm(gradients):
    """Return the Euclidean norm of gradients [N, H, W, C], the mean over images."""
    return np.linalg.norm(gradients.reshape(len(gradients), -1), axis=1).mean()


def with_terms(probed):
    """Return the losses `probed`, by name, and after them the terms of those that add up several."""
    terms = [term for loss in probed.values() if len(loss.losses) > 1 for term in loss.losses]
    return probed | {term.label: term for term in terms if term.label not in probed}


def with_parts(probed):
    """Return the losses `probed`, by name, and at the end the PARTS of those of them that are terms with parts."""
    parts = {
        f"{name} {part}": losses.build(name, **{other: 0})
        for name in probed
        if name in losses.TERMS and {*PARTS} <= {*losses.hyperparameters(name)}
        for other, part in PARTS.items()
    }
    return probed | parts


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


def table_of_costs(probed, found, images):
    """Return in Markdown what a blur costs each loss in shifts, and each term's share of a sum.

    Args: `probed`, name → reconstruction loss; `found`, their responses; `images` as of `shares`.
    """
    costs = blur_in_shifts(found)
    rows = [
        [display_name(name), markdown.number(costs[name], 2), *shares_of_terms(loss, images)]
        for name, loss in probed.items()
    ]
    header = ["loss", "blur of σ = 1 in shifts by 1 pixel", "share of the loss", "share of the gradient"]
    return markdown.table(header, rows)


def shares_of_terms(loss, images):
    """Return the shares of value and of gradient as text, "SSIM 98.0 %, STFT 2.0 %" each; "" if there is one term."""
    if len(getattr(loss, "losses", [])) < 2:
        return "", ""
    found = shares(loss, images)
    return [
        ", ".join(f"{display_name(term)} {markdown.number(100 * pair[i], 1)} %" for term, pair in found.items())
        for i in range(2)
    ]

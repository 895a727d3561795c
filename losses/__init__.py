"""Reconstruction losses by name.

    loss = losses.build("ours")                 # the paper's loss with the paper's hyperparameters
    loss = losses.build("stft+ssim", stft_f=8)  # with another window

A new loss is a class and its line in TERMS.
"""

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from .base import ReconstructionLoss as ReconstructionLoss
from .kl import kl_divergence as kl_divergence
from .lpips import LPIPS
from .pixel import BCE, L1, L2
from .spectral import (
    DFT,
    STFT,
    Amplitude,
    CorrectedSTFT,
    FocalFrequency,
    LogSpectral,
    MaskedAmplitude,
    MultiscaleCorrected,
    ReleasedSTFT,
    WrappedSTFT,
)
from .ssim import SSIM
from .weighted_sum import WeightedSum


@dataclass(frozen=True)
class Term:
    """A loss that can be part of a sum.

    make: its class, or a partial of it.
    weight, default: the hyperparameter that is its weight, None if the weight is fixed; and that weight's value.
    arguments: other hyperparameters → arguments of `make`, whose defaults are theirs.
    output_space: what it takes a decoder's output for: "linear" (the image) or "logits" (of the image).
    unit: the weight of the term is in this unit.
    """

    make: Callable
    weight: str | None = None
    default: float = 1
    arguments: dict = field(default_factory=dict)
    output_space: str = "linear"
    unit: float = 1

    def hyperparameters(self):
        """Return the hyperparameters that this term reads, with their defaults."""
        parameters = inspect.signature(self.make).parameters
        weight = {self.weight: self.default} if self.weight else {}
        return weight | {name: parameters[argument].default for name, argument in self.arguments.items()}


AMPLITUDE_AND_PHASE = {"amp_coef": "amp_coef", "arg_coef": "arg_coef"}
CORRECTED = {"stft_f": "window", "stft_s": "stride"} | AMPLITUDE_AND_PHASE
LOCAL = CORRECTED | {"eps": "eps"}
GLOBAL = AMPLITUDE_AND_PHASE | {"eps": "eps"}
WINDOWS = {"windows": "windows", "strides": "strides", "moving_grid": "moving_grid"}
AMPLITUDE = WINDOWS | {"cutoff": "cutoff"}
MASKED = {"masked_windows": "windows", "masked_strides": "strides", "moving_grid": "moving_grid"}

# With a unit, a term of weight 1 balances `l2`: the two have one value for test images of CIFAR-10 blurred by a
# Gaussian of 1.4 pixels. No unit does so for all images, as `l2` is quadratic in the contrast and these terms are
# not. For binary digits the five are 0.39, 0.25, 0.39, 0.53 and 0.15 of `l2`. Without a unit, a weight is that of the
# term's source.
TERMS = {
    "l1": Term(L1),
    "l2": Term(L2),
    "bce": Term(BCE, output_space="logits"),
    "ssim": Term(SSIM, "ssim_coef", 500),
    "ffl": Term(FocalFrequency, "ffl_coef", 1),
    "dft": Term(DFT, "stft_coef", 0.0015, GLOBAL),
    "dft-unwindowed": Term(partial(DFT, hann=False), "stft_coef", 0.0015, GLOBAL),
    "stft": Term(STFT, "stft_coef", 0.0015, LOCAL),
    "stft-unwindowed": Term(partial(STFT, hann=False), "stft_coef", 0.0015, LOCAL),
    "stft-wrapped": Term(WrappedSTFT, "stft_coef", 0.0015, LOCAL),
    "stft-released": Term(ReleasedSTFT, "stft_coef", 0.0015, LOCAL),
    "stft-corrected": Term(CorrectedSTFT, "corrected_coef", 100, CORRECTED),
    "amplitude": Term(Amplitude, "amplitude_coef", 4, AMPLITUDE, unit=0.3),
    "masked-amplitude": Term(MaskedAmplitude, "masked_coef", 2500, MASKED, unit=0.0094),
    "log-spectral": Term(LogSpectral, "log_coef", 1, WINDOWS, unit=0.0117),
    "multiscale-corrected": Term(MultiscaleCorrected, "multiscale_coef", 1, WINDOWS | AMPLITUDE_AND_PHASE, unit=0.304),
    "lpips": Term(LPIPS, "lpips_coef", 1, unit=0.0265),
}

ALIASES = {
    "ours": "stft+ssim",
    "ours-released": "stft-released+ssim",
    "ours-corrected": "stft-corrected+ssim",
    "sharp": "masked-amplitude+ssim",
    "sharp-colour": "amplitude+l2",
}


def build(name, **given):
    """Return the reconstruction loss `name`: a term, a sum of terms joined by `+`, or an alias.

    It is a Keras loss: called with image and reconstruction, both [B, H, W, C] and the image in [0, 1].

    Args: `given`, values of hyperparameters (see `hyperparameters`); those not given have their defaults.

    Raises:
        ValueError: the name is unknown, names a term twice or mixes output spaces; the loss does not read one of the
            hyperparameters; a window or stride is not a whole number (at least 2 and 1).
    """
    values = hyperparameters(name)
    for key in given:
        if key not in values:
            raise ValueError(unread(key, name))
    values |= given
    names = term_names(name)
    losses = [
        TERMS[term].make(**{argument: values[key] for key, argument in TERMS[term].arguments.items()}, name=term)
        for term in names
    ]
    weights = [TERMS[term].unit * float(values.get(TERMS[term].weight, TERMS[term].default)) for term in names]
    return WeightedSum(losses, weights, name=name)


def hyperparameters(name):
    """Return the hyperparameters that the loss `name` reads, with their defaults.

    Raises:
        ValueError: as of `term_names`.
    """
    return {key: value for term in term_names(name) for key, value in TERMS[term].hyperparameters().items()}


def term_names(name):
    """Return the names of the terms that the loss `name` adds up.

    Raises:
        ValueError: the name is unknown, names a term twice or mixes output spaces.
    """
    names = ALIASES.get(name, name).split("+")
    for term in names:
        if term not in TERMS:
            choices = ", ".join(nearest_first(term, [*TERMS, *ALIASES]))
            raise ValueError(f"loss: expected one of {choices}, or a sum such as l2+ssim, got {name!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"loss: expected each term once, got {name!r}")
    if len({TERMS[term].output_space for term in names}) > 1:
        logits = ", ".join(term for term in names if TERMS[term].output_space == "logits")
        raise ValueError(f"loss: expected terms of one output space, got {name!r}, where {logits} takes logits")
    return names


def output_space(name):
    """Return what a decoder trained with the loss `name` puts out: "linear" (the image) or "logits"."""
    return TERMS[term_names(name)[0]].output_space


def unread(key, name):
    """Return the message that the loss `name` does not read the hyperparameter `key`, and who reads it."""
    readers = {other: term.hyperparameters() for other, term in TERMS.items()}
    if fitting := [other for other, known in readers.items() if key in known]:
        return f"{key}: expected with a loss of {', '.join(fitting)}, got it with {name}, which does not read it"
    known = {one for each in readers.values() for one in each}
    return f"unknown hyperparameter {key!r}; expected one of {', '.join(nearest_first(key, sorted(known)))}"


def nearest_first(text, choices):
    """Return `choices` in their order, but with the one most like `text` first."""
    near = difflib.get_close_matches(text, choices, n=1)
    return near + [choice for choice in choices if choice not in near]

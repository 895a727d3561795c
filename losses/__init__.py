"""Reconstruction losses by name.

    loss = losses.build("ours")                 # the paper's, its hyperparameters as in the YAML
    loss = losses.build("stft+ssim", stft_f=8)  # another window

Adding one is a class and its line in TERMS; keys of its own also stand in HYPERPARAMETERS.
"""

import config
from config.system.errors import UserError
from losses.base import ReconstructionLoss as ReconstructionLoss
from losses.corrected import CorrectedSTFT
from losses.focal import FocalFrequency
from losses.kl import kl_divergence as kl_divergence
from losses.pixel import BCE, L1, L2
from losses.spectral import DFT, STFT, ReleasedSTFT, WrappedSTFT
from losses.ssim import SSIM
from losses.weighted_sum import WeightedSum

# name: from the configuration, the weight of the term and the term
TERMS = {
    "l1": lambda c: (1, L1(name="l1")),
    "l2": lambda c: (1, L2(name="l2")),
    "bce": lambda c: (1, BCE(name="bce")),
    "ssim": lambda c: (c.ssim_coef, SSIM(name="ssim")),
    "ffl": lambda c: (c.ffl_coef, FocalFrequency(name="ffl")),
    "dft": lambda c: (c.stft_coef, DFT(c.amp_coef, c.arg_coef, c.eps, name="dft")),
    "stft": lambda c: (c.stft_coef, STFT(c.stft_f, c.stft_s, c.amp_coef, c.arg_coef, c.eps, name="stft")),
    "stft-unwindowed": lambda c: (
        c.stft_coef,
        STFT(c.stft_f, c.stft_s, c.amp_coef, c.arg_coef, c.eps, hann=False, name="stft-unwindowed"),
    ),
    "stft-wrapped": lambda c: (
        c.stft_coef,
        WrappedSTFT(c.stft_f, c.stft_s, c.amp_coef, c.arg_coef, c.eps, name="stft-wrapped"),
    ),
    "stft-released": lambda c: (
        c.stft_coef,
        ReleasedSTFT(c.stft_f, c.stft_s, c.amp_coef, c.arg_coef, c.eps, name="stft-released"),
    ),
    "stft-corrected": lambda c: (
        c.corrected_coef,
        CorrectedSTFT(c.stft_f, c.stft_s, c.amp_coef, c.arg_coef, name="stft-corrected"),
    ),
}

ALIASES = {"ours": "stft+ssim", "ours-released": "stft-released+ssim", "ours-corrected": "stft-corrected+ssim"}

# terms that take the decoder's output for something else than the image itself
OUTPUT_SPACES = {"bce": "logits"}


# the keys of the configuration that TERMS reads
HYPERPARAMETERS = ("ssim_coef", "ffl_coef", "stft_coef", "corrected_coef", "amp_coef", "arg_coef", "stft_f", "stft_s")
HYPERPARAMETERS += ("eps",)


def build(name, **hyperparameters):
    """The reconstruction loss `name`: a term, a sum of terms joined by `+`, or an alias.

    `hyperparameters` are keys of config/model_config.yml, whose values they replace.

    Raises:
        UserError: an unknown name or key, one term twice, or terms of different output spaces.
    """
    settings = config.recorded({key: config.lookup(key).parse(key, value) for key, value in hyperparameters.items()})
    names = term_names(name)
    weights, losses = zip(*(TERMS[term](settings) for term in names), strict=True)
    return WeightedSum(losses, weights, name=name)


def term_names(name):
    """The terms that the loss `name` adds up.

    Raises:
        UserError: an unknown name, one term twice, or terms of different output spaces.
    """
    names = ALIASES.get(name, name).split("+")
    if not set(names) <= set(TERMS):
        raise UserError(
            f"loss: expected one of {', '.join([*TERMS, *ALIASES])}, or a sum such as l2+ssim, got {name!r}"
        )
    if len(set(names)) < len(names):
        raise UserError(f"loss: expected each term once, got {name!r}")
    if len({OUTPUT_SPACES.get(term, "linear") for term in names}) > 1:
        raise UserError(f"loss: bce takes logits and does not add to other terms, got {name!r}")
    return names


def output_space(name):
    """What a decoder trained with the loss `name` puts out: "linear" (the image) or "logits"."""
    return OUTPUT_SPACES.get(term_names(name)[0], "linear")


def hyperparameters(name):
    from config.schema import KEYS
    return {k: None for k in HYPERPARAMETERS if {*KEYS[k].read_by.names} & {*term_names(name)}}

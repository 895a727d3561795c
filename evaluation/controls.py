"""Controls: rows of a table that are another row's output under a simple edit. A loss that wins must beat them too.

To add one, write a function and add its line to CONTROLS. The constants of a control are chosen on held-out images,
which a training on all images has seen: of those that make the output at least as sharp as a wanted row, the ones with
the highest SSIM. If none does, the sharpest. So "this loss is sharper" holds against a control only if the control pays
more for the same sharpness.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from evaluation import markdown, scoring
from evaluation.metrics.blur import equivalent_blur, gaussian_blur
from evaluation.metrics.display import in_batches
from losses.ssim import similarity
from models import runs

# how many held-out images choose the constants
IMAGES = 1000


def contrast_curve(images, gain, centre):
    """Return gain · (y - centre) + centre, in [0, 1], for images y [B, H, W, C]."""
    return np.clip(gain * (images - centre) + centre, 0, 1)


def unsharp_mask(images, amount, sigma):
    """Return y + amount · (y - G y), in [0, 1], for images y [B, H, W, C] and the blur G of `sigma` pixels."""
    return np.clip(images + amount * (images - gaussian_blur(images, sigma)), 0, 1)


class Control(NamedTuple):
    """An edit.

    formula: as a caption shows it.
    edit: function of images [B, H, W, C] and the constants → images.
    values: the values among which each constant is chosen.
    """

    formula: str
    edit: Callable
    values: dict


CONTROLS = {
    "contrast": Control(
        "clip(gain·(y - centre) + centre)", contrast_curve,
        {"gain": (1.25, 1.5, 2, 2.5, 3, 4, 6), "centre": (0.3, 0.4, 0.5, 0.6, 0.7)},
    ),
    "unsharp": Control(
        "clip(y + amount·(y - G y)) with the Gaussian blur G of sigma pixels", unsharp_mask,
        {"amount": (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6), "sigma": (0.7, 1, 1.5, 2, 3)},
    ),
}  # fmt: skip


class Edit(NamedTuple):
    """A control with its constants: a function of what a decoder returns [B, H, W, C]."""

    control: str = ""  # empty: nothing is changed
    constants: dict = {}  # noqa: RUF012

    def __call__(self, images):
        """Return the edited images, an array."""
        images = np.asarray(images)
        return CONTROLS[self.control].edit(images, **self.constants) if self.control else images


class Candidate(NamedTuple):
    """An edit, and what it makes of held-out images."""

    edit: Edit
    ssim: float
    blur: float  # pixels


def with_controls(groups, rows):
    """Return `groups`, name → runs, with the same runs again for each control of each of the `rows`, their names."""
    return groups | {f"{control} of {row}": groups[row] for row in rows for control in CONTROLS}


def chosen(name, group, images, protocol, target):
    """Return the Edit of the row `name`, which with_controls has named; that of another row changes nothing.

    Args: `group`, the runs of the row; `images`, held-out uint8 [N, H, W, C]; `target`, a blur in pixels.
    """
    control, of, _ = name.partition(" of ")
    if not of:
        return Edit()
    return best(candidates(control, reconstructions(group, images, protocol), repeated(group, images)), target)


def best(found, target):
    """Return the Edit of the Candidate with the highest SSIM whose blur is at most `target` pixels, or the sharpest."""
    sharp = [one for one in found if one.blur <= target]
    return max(sharp, key=lambda one: one.ssim).edit if sharp else min(found, key=lambda one: one.blur).edit


def candidates(control, outputs, images):
    """Return a Candidate for all constants of a control, from a decoder's outputs of images [N, H, W, C]."""
    values = CONTROLS[control].values
    edits = [Edit(control, dict(zip(values, some, strict=True))) for some in product(*values.values())]
    return [candidate(edit, edit(outputs), images) for edit in edits]


def candidate(edit, edited, images):
    """Return the Candidate of an edit, given the `edited` reconstructions of images [N, H, W, C]."""
    return Candidate(edit, float(in_batches(similarity, images, edited).mean()), equivalent_blur(edited, images))


def blur_of(group, images, protocol):
    """Return the equivalent blur, in pixels, of the reconstructions of images [N, H, W, C] by all runs of a group."""
    return equivalent_blur(reconstructions(group, images, protocol), repeated(group, images))


def reconstructions(group, images, protocol):
    """Return what the decoders of a group of runs make of images [N, H, W, C], one run after another."""
    how = {"latents": protocol.latents, "seed": protocol.seed}
    models = map(runs.load_model, group)
    return np.concatenate([b.reconstruction for model in models for b in scoring.batches(model, images, **how)])


def repeated(group, images):
    """Return images [N, H, W, C] once for each run of a group."""
    return np.concatenate([np.asarray(images)] * len(group))


def caption(edits, row, target):
    """Return what the controls are, `edits`, name → Edit, and how their constants were chosen; "" if there is none.

    Args: `row`, the name of the row as sharp as which they are, of `target` pixels; None for any sharpness.
    """
    found = [
        f"{markdown.display_name(name)}: {CONTROLS[edit.control].formula}, "
        + ", ".join(f"{constant} {value:g}" for constant, value in edit.constants.items())
        for name, edit in edits.items()
        if edit.control
    ]
    sharp = f"the sharpness of {markdown.display_name(row)}, {target:.3f} px, at " if row else ""
    how = f"Constants: chosen on up to {IMAGES:,} images outside the test set, for {sharp}the highest SSIM."
    return f" Controls, edits of the output y of a row: {'; '.join(found)}. {how}" if found else ""

"""Measurement models by name: what happens to an image before anyone sees it.

    measurement = measurements.build("drop_patch", k=14)
    measured = measurement(images, seed=[0, 1])

Source: AmbientGAN (Bora, Price and Dimakis 2018). To add a measurement, write a class and add its line to
MEASUREMENTS. The arguments of its constructor are its parameters.
"""

import inspect
from functools import partial

from measurements.base import Centred as Centred
from measurements.base import Identity as Identity
from measurements.base import Measurement as Measurement
from measurements.geometry import ExtractPatch, PadRotateProject
from measurements.masks import Drop, DropPatch, KeepPatch
from measurements.noise import AddNoise, BlurAddNoise

MEASUREMENTS = {
    "none": Identity,
    "drop_independent": partial(Drop, ["pixel"]),
    "drop_row": partial(Drop, ["row"]),
    "drop_col": partial(Drop, ["col"]),
    "drop_rowcol": partial(Drop, ["row", "col"]),
    "drop_patch": DropPatch,
    "keep_patch": KeepPatch,
    "extract_patch": ExtractPatch,
    "add_noise": AddNoise,
    "blur_add_noise": BlurAddNoise,
    "pad_rotate_project": PadRotateProject,
}


def build(name, **given):
    """Return the measurement `name`, its parameters as `given` and otherwise at their defaults.

    Raises:
        ValueError: no measurement has this name, or it has no parameter of a given name.
    """
    known = parameters(name)
    if unknown := [parameter for parameter in given if parameter not in known]:
        expected = ", ".join(known) or "no parameters"
        raise ValueError(f"measurement {name}: expected {expected}, got {', '.join(unknown)}")
    return MEASUREMENTS[name](**given)


def parameters(name):
    """Return the parameters of the measurement `name`, a dict of name → default.

    Raises:
        ValueError: no measurement has this name.
    """
    if name not in MEASUREMENTS:
        raise ValueError(f"measurement: expected one of {', '.join(MEASUREMENTS)}, got {name!r}")
    return {key: found.default for key, found in inspect.signature(MEASUREMENTS[name]).parameters.items()}

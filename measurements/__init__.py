"""Measurement models by name: what happens to an image before anyone sees it.

    measurement = measurements.build("drop_patch", k=14)
    measured = measurement(images, seed=[0, 1])

Adding one is a class, or a class with other arguments, and its line in MEASUREMENTS. Source: AmbientGAN
(Bora, Price and Dimakis 2018).
"""

from types import SimpleNamespace

import config
from config.system.errors import UserError
from measurements.base import Centred as Centred
from measurements.base import Identity as Identity
from measurements.base import Measurement as Measurement
from measurements.geometry import ExtractPatch, PadRotateProject
from measurements.masks import Drop, DropPatch, KeepPatch
from measurements.noise import AddNoise, BlurAddNoise

# name: from the parameters, the measurement
MEASUREMENTS = {
    "none": lambda c: Identity(),
    "drop_independent": lambda c: Drop(c.p, ["pixel"]),
    "drop_row": lambda c: Drop(c.p, ["row"]),
    "drop_col": lambda c: Drop(c.p, ["col"]),
    "drop_rowcol": lambda c: Drop(c.p, ["row", "col"]),
    "drop_patch": lambda c: DropPatch(c.k),
    "keep_patch": lambda c: KeepPatch(c.k),
    "extract_patch": lambda c: ExtractPatch(c.k),
    "add_noise": lambda c: AddNoise(c.sigma),
    "blur_add_noise": lambda c: BlurAddNoise(c.radius, c.size, c.sigma),
    "pad_rotate_project": lambda c: PadRotateProject(),
}

# the keys of the configuration that MEASUREMENTS reads, without their prefix
PARAMETERS = ("p", "k", "sigma", "radius", "size")


def build(name, **parameters):
    """The measurement `name`; `parameters` replace the values of the keys measurement_p, measurement_k, ...

    Raises:
        UserError: an unknown name, or a value out of bounds.
    """
    if name not in MEASUREMENTS:
        raise UserError(f"measurement: expected one of {', '.join(MEASUREMENTS)}, got {name!r}")
    defaults = {parameter: config.defaults()[f"measurement_{parameter}"] for parameter in PARAMETERS}
    keys = {parameter: config.lookup(f"measurement_{parameter}") for parameter in parameters}
    given = {key: keys[key].parse(f"measurement_{key}", value) for key, value in parameters.items()}
    return MEASUREMENTS[name](SimpleNamespace(**(defaults | given)))

"""Restoring measured images: every method on the test images, and how long it takes."""

import statistics
import time
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import tensorflow as tf

import data
import measurements
from config.system.errors import UserError
from data import picture_file
from data.batches import to_float
from evaluation import grids
from evaluation.metrics import quality
from evaluation.restorers import acsg
from evaluation.restorers import filters as non_learned
from losses.ssim import similarity
from models import checkpoint

# a method that takes less for all images is timed again
LEAST_SECONDS = 0.3


class Case(NamedTuple):
    """A measurement, the models trained for it, and test images measured by it."""

    settings: SimpleNamespace  # the configuration of the ambient model
    models: dict  # "ambient_vae_gan" and, if there is one, "supervised"
    methods: dict  # those of METHODS that can restore here
    dataset: str
    images: np.ndarray  # [N, H, W, C] in [0, 1]
    theta: np.ndarray  # [N, ...]
    measured: np.ndarray  # [N, H, W, C]

    def first(self, count):
        """The same with the first `count` images."""
        return self._replace(**{name: getattr(self, name)[:count] for name in ("images", "theta", "measured")})


class Quality(NamedTuple):
    """How close restored images come to the clean ones, each [N], and the seconds an image takes."""

    psnr: np.ndarray  # dB
    ssim: np.ndarray
    seconds: float


# name: function(models, settings) → the method, a function of measured images [N, H, W, C] and their θ, of which
# only the last takes notice, that returns restored images [N, H, W, C] in [0, 1]
METHODS = {
    "ambient_vae_gan": lambda models, settings: in_one_pass(models["ambient_vae_gan"]),
    "supervised": lambda models, settings: in_one_pass(models["supervised"]),
    "acsg": lambda models, settings: acsg.restorer(models["ambient_vae_gan"]),
    "non_learned": lambda models, settings: without_learning(settings, models["ambient_vae_gan"].measurement),
}


def in_one_pass(model):
    """The method that goes through the encoder's mean and the decoder of `model`."""
    reconstruct = tf.function(model.reconstruct, [tf.TensorSpec([None, *model.image_shape])], autograph=False)
    return lambda measured, theta: np.concatenate([reconstruct(measured[i]) for i in quality.parts(measured)])


def without_learning(settings, measurement):
    """The method that is the baseline of the measurement; it works around grey where the measurement does."""
    baseline, known = non_learned.BASELINES[settings.measurement], parameters(settings)
    offset, scale = (1, 2) if isinstance(measurement, measurements.Centred) else (0, 1)

    def restore(measured, theta):
        return np.clip((baseline(scale * measured - offset, theta, known) + offset) / scale, 0, 1)

    return restore


def timed(restore, case):
    """What the method `restore` makes of a case, [N, H, W, C], and the seconds that each image takes.

    The median of as many runs as LEAST_SECONDS hold. Tracing, once in a program, is not in them.
    """
    few, times = case.first(1), []
    restore(few.measured, few.theta)
    while sum(times) < LEAST_SECONDS:
        begin = time.perf_counter()
        found = restore(case.measured, case.theta)
        times.append(time.perf_counter() - begin)
    return found, statistics.median(times) / len(found)


def quality_of(restore, case):
    """The Quality of what the method `restore` makes of a case."""
    found, seconds = timed(restore, case)
    pairs = [(case.images[i], found[i]) for i in quality.parts(found)]
    return Quality(*(np.concatenate([of(*pair) for pair in pairs]) for of in (quality.psnr, similarity)), seconds)


def cases(found, arguments):
    """The Cases of the checkpoints `found`, name → file: one a measurement, in their order.

    `arguments` has split, data_dir, dataset (empty: what the models were trained on) and seed, of θ.

    Raises:
        UserError: a checkpoint restores nothing, two are alike, or a supervised one has no ambient one beside it.
    """
    groups = {}
    for name, path in found.items():
        model, settings = load(path)
        own = groups.setdefault((settings.dataset, describe(settings)), {})
        method = "supervised" if settings.supervised else "ambient_vae_gan"
        if method in own:
            raise UserError(f"{name}: expected one {method} of {describe(settings)}, got a second")
        own[method] = model, settings
    if alone := [label for (_, label), own in groups.items() if "ambient_vae_gan" not in own]:
        raise UserError(f"loss: expected an ambient_vae_gan of {alone[0]} to compare with, got a supervised one alone")
    return [measured(own, arguments) for own in groups.values()]


def load(path):
    """The model that restores images in the checkpoint `path`, and its configuration.

    Raises:
        UserError: there is none, or it is a model of another kind.
    """
    model, manifest = checkpoint.load_model(path)
    settings = checkpoint.configuration(manifest)
    if settings.model != "ambient_vae_gan":
        raise UserError(f"{path}: expected an ambient_vae_gan, which restores images, got a {settings.model}")
    return model, settings


def measured(group, arguments):
    """The Case of models of one measurement: method → (model, configuration)."""
    model, settings = group["ambient_vae_gan"]
    name = arguments.dataset or settings.dataset
    images = data.load(name, arguments.split, arguments.data_dir, model.image_shape[0]).images
    if model.image_shape != images.shape[1:]:
        raise UserError(f"dataset {name}: expected images of {model.image_shape}, got {images.shape[1:]}")
    clean, theta = to_float(np.asarray(images)), quality.damage(model, images, arguments.seed)
    arrays = [array.numpy() for array in (clean, theta, model.measurement.apply(clean, theta))]

    models = {method: one for method, (one, _) in group.items()}
    possible = {"supervised": "supervised" in models, "non_learned": settings.measurement in non_learned.BASELINES}
    present = [method for method in METHODS if possible.get(method, True)]
    return Case(settings, models, {method: METHODS[method](models, settings) for method in present}, name, *arrays)


def parameters(settings):
    """The parameters of the measurement that a configuration describes, by name."""
    names = measurements.parameters(settings.measurement)
    return SimpleNamespace(**{name: getattr(settings, f"measurement_{name}") for name in names})


def describe(settings):
    """A measurement and its parameters: "drop_patch, k = 14"."""
    values = vars(parameters(settings)).items()
    return ", ".join([settings.measurement, *(f"{name} = {value:g}" for name, value in values)])


def of_picture(found, arguments):
    """The damaged picture `arguments.image` restored by every model: both side by side as PNG."""
    for name, path in found.items():
        model, _ = load(path)
        damaged = to_float(picture_file.load(arguments.image, model.image_shape))
        restored = model.reconstruct(model.measurement.from_picture(damaged))
        out = Path(arguments.out_dir) / name / f"{Path(arguments.image).stem}_restored.png"
        grids.save(out, grids.grid(np.concatenate([damaged, restored])))
        print(f"{name}: {out}")

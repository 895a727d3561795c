"""Checkpoints: named tensors and a manifest in one .npz file, loaded strictly or not at all.

The manifest lists the tensors (names, shapes, types), their hash and the configuration that made them. It can be
read without Python: `unzip -p model.npz manifest.json`.
"""

import hashlib
import io
import json
import zipfile

import numpy as np

import config
import models
from config.places import is_prefix, present
from config.system.errors import UserError
from config.system.files import write_atomically
from data import npz
from models import released

MANIFEST = "manifest.json"


def write(path, tensors, **manifest):
    """Write `tensors`, a dict of arrays, and `manifest` to `path`, whole or not at all."""
    manifest |= {"tensors": _described(tensors)}
    manifest |= {"sha256": _content_hash(tensors, manifest)}
    buffer = io.BytesIO()
    np.savez(buffer, **tensors)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST), json.dumps(manifest, indent=1))
    write_atomically(path, buffer.getvalue())


def read(path):
    """Return the tensors and the manifest of the checkpoint `path`.

    Raises:
        UserError: it is missing or damaged, or its tensors are not those its manifest lists.
    """
    with npz.opened(path, "a checkpoint") as archive:
        manifest = json.loads(archive[MANIFEST])
        tensors = {name: archive[name] for name in archive.files if name != MANIFEST}
        expected, sha256 = manifest["tensors"], manifest.pop("sha256")
    require_same(path, expected, _described(tensors))
    if _content_hash(tensors, manifest) != sha256:
        raise UserError(f"{path}: damaged: the content does not have the hash that the manifest gives")
    return tensors, manifest


def require_same(path, expected, found):
    """Compare two dicts of name → [shape, type], both ways.

    Raises:
        UserError: a tensor is missing, extra, of another shape or of another type; it is named.
    """
    if missing := [name for name in expected if name not in found]:
        raise UserError(f"{path}: missing tensors: {', '.join(missing)}")
    if extra := [name for name in found if name not in expected]:
        raise UserError(f"{path}: tensors that do not belong: {', '.join(extra)}")
    for name, description in expected.items():
        if found[name] != description:
            raise UserError(f"{path}: tensor {name}: expected {description}, got {found[name]}")


def weights(model):
    """Return the variables of a model by name: part/layer/variable."""
    return {
        f"{part.name}/{layer.name}/{variable.name}": variable
        for part in model.layers
        for layer in part.layers
        for variable in layer.weights
    }


def assign(path, variables, tensors):
    """Set `variables` to `tensors`, two dicts by name.

    Raises:
        UserError: the two do not agree in names, shapes and types.
    """
    require_same(path, _described(variables), _described(tensors))
    for name, variable in variables.items():
        variable.assign(tensors[name])


def save_model(path, model, settings, **facts):
    """Write a model's weights with the configuration that made them."""
    tensors = {name: variable.numpy() for name, variable in weights(model).items()}
    manifest = {"config": vars(settings), "output_space": model.output_space, "image_shape": list(model.image_shape)}
    write(path, tensors, **manifest, **facts)


def load_model(path):
    """Return the model in the checkpoint `path` and its manifest.

    `path` is a file that train.py wrote, or the prefix of a TensorFlow checkpoint of the paper's author.

    Raises:
        UserError: the file is missing or damaged, or does not fit the architecture it names.
    """
    tensors, manifest = released.read(path) if is_prefix(path) else read(path)
    if "image_shape" not in manifest:
        raise UserError(f"{path}: expected a model's checkpoint, got a training's state or record")
    model = models.build(configuration(manifest), tuple(manifest["image_shape"]))
    names = released.names(model) if is_prefix(path) else weights(model)
    assign(path, names, tensors)
    return model, manifest


def epochs(manifest, passed=()):
    """Return the number of passes over the training images behind a checkpoint, or None where it is not recorded.

    The passes of the checkpoint that it started from count too. `passed` holds the checkpoints already followed: a
    checkpoint that replaced its own start does not know its number.
    """
    settings = configuration(manifest)
    own = manifest["step"] / config.steps_per_epoch(settings) if "step" in manifest else None
    if own is None or not settings.init_from:
        return own
    start = present(settings.init_from.replace("{seed}", str(settings.seed)))
    is_known = start.is_file() and start not in passed
    before = epochs(read(start)[1], (*passed, start)) if is_known else None
    return None if before is None else before + own


def copy_weights(path, model):
    """Set a model's weights to those in the checkpoint `path`.

    Raises:
        UserError: the checkpoint is missing or damaged, or is of another architecture.
    """
    source, _ = load_model(path)
    assign(path, weights(model), {name: variable.numpy() for name, variable in weights(source).items()})


def configuration(manifest):
    """The Settings that a manifest records."""
    return config.recorded(manifest["config"])


def _described(tensors):
    return {name: [list(tensor.shape), str(tensor.dtype)] for name, tensor in tensors.items()}


def _content_hash(tensors, manifest):
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(name.encode() + np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()

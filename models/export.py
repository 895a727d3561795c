"""Write the networks of a checkpoint for use outside this repository:

    python -m models.export --loss=ours --format=onnx

Each format has three files, in results/local/LOSS/: the encoder, the decoder, and the reconstruction, which
decodes the mean of the posterior. `docs/export.md` shows how to use them.
"""

import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from config.command_line import Parser, checkpoint_files
from config.schema import FOLDER, Key
from config.system.errors import UserError, run
from config.system.files import require_replaceable, require_writable
from config.system.runtime import import_tensorflow

DEFAULT = "ours"
PARTS = ("encoder", "decoder", "reconstruction")


class Format(NamedTuple):
    """A kind of file: its suffix, function(network, path) that writes it, and the packages that this needs."""

    suffix: str
    write: Callable
    packages: tuple = ()


def exported(kind):
    """Return the function(network, path) that writes Keras's export of a kind."""

    def write(network, path):
        network(np.zeros([1, *network.input_shape[1:]], np.float32))  # for ONNX, Keras wants a network that has run
        network.export(path, format=kind, verbose=False)

    return write


FORMATS = {
    "keras": Format(".keras", lambda network, path: network.save(path)),
    "saved_model": Format("", exported("tf_saved_model")),
    "litert": Format(".tflite", exported("litert")),
    "onnx": Format(".onnx", exported("onnx"), ("tf2onnx", "onnx")),
}


def networks(model):
    """Return the encoder, the decoder and the reconstruction of a model as plain Keras networks, by name.

    encoder: images [B, H, W, C] → z_mean and z_log_var, each [B, latent_dim]. decoder: z [B, latent_dim] → images.
    reconstruction: images → images. They compute in float32 and know no class of this repository.
    """
    import keras

    image, z = keras.Input(model.image_shape, name="image"), keras.Input([model.latent_dim], name="z")
    posterior, decoder = plain(model.encoder), plain(model.decoder)
    is_logits = model.output_space == "logits"

    def decode(z):
        return keras.ops.sigmoid(decoder(z)) if is_logits else decoder(z)

    z_mean, z_log_var = keras.ops.split(posterior(image), 2, axis=1)
    made = (image, {"z_mean": z_mean, "z_log_var": z_log_var}), (z, decode(z)), (image, decode(z_mean))
    return {part: keras.Model(*ends, name=part) for part, ends in zip(PARTS, made, strict=True)}


def plain(network):
    """Return a copy of a network whose layers are Keras's own and compute in float32, with the same weights."""
    import keras

    def layer(original):
        known = next(one for one in type(original).__mro__ if one.__module__.startswith("keras."))
        return known.from_config(original.get_config() | {"dtype": "float32"})

    copy = keras.models.clone_model(network, clone_function=layer)
    copy.set_weights(network.get_weights())
    return copy


def require_place(form, path):
    """Check that a file of a Format, or a folder where it has no suffix, can be written to `path`.

    Raises:
        UserError: it cannot, or what stands there is of the other kind.
    """
    if form.suffix:
        require_replaceable(path)
        return
    require_writable(path.parent)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: expected a folder, or a place for one, got a file")


def write(form, network, path):
    """Write a network as a Format says: aside, then over what stands at `path`.

    Raises:
        UserError: it cannot be written; the file that stood there stays.
    """
    import tensorflow as tf

    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as aside:
            made = Path(aside) / path.name
            form.write(network, str(made))
            if form.suffix:
                made.replace(path)
            else:
                shutil.copytree(made, path, dirs_exist_ok=True)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"{path}: could not be written: {getattr(error, 'strerror', None) or error}") from error


def parse(argv):
    """Return the flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_checkpoints(DEFAULT)
    parser.add_argument("--format", choices=FORMATS, default="keras", help="kind of the files (default: keras)")
    parser.add_value("out_dir", Key(str, "folder for the files, FOLDER/LOSS/", **FOLDER), "results/local")
    return parser.parse(argv)


def main(argv):
    """Write the files and say where they are."""
    flags = parse(argv)
    form = FORMATS[flags.format]
    if missing := [name for name in form.packages if find_spec(name) is None]:
        install = "pip install -r requirements-export.txt"
        raise UserError(f"format {flags.format}: expected the packages {', '.join(missing)}, got none; {install}")
    found = checkpoint_files(flags, DEFAULT)
    places = {name: [Path(flags.out_dir) / name / f"{part}{form.suffix}" for part in PARTS] for name in found}
    for path in [path for paths in places.values() for path in paths]:
        require_place(form, path)

    import_tensorflow()
    from models import checkpoint

    for name, path in found.items():
        for out, network in zip(places[name], networks(checkpoint.load_model(path)[0]).values(), strict=True):
            write(form, network, out)
            print(out)


if __name__ == "__main__":
    run(main)

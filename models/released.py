"""The checkpoints that the paper's author published: 14 tensors of conv28 in TensorFlow's format.

They are read by name, because TensorFlow restores none of them into Keras 3 layers and only logs that.
"""

from pathlib import Path

import tensorflow as tf

import config
from config.system import files
from config.system.errors import UserError

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
BOOKKEEPING = ("_CHECKPOINTABLE_OBJECT_GRAPH", f"save_counter{SUFFIX}")


def read(prefix):
    """Return the tensors by name, and a manifest like that of train.py's checkpoints.

    Raises:
        UserError: the files are damaged or larger than files.ARRAYS, or their decoder is not that of conv28.
    """
    for path in Path(prefix).parent.glob(f"{Path(prefix).name}.*"):
        files.require_file(path, "a file of a TensorFlow checkpoint", files.ARRAYS)
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        names = [name for name in reader.get_variable_to_shape_map() if name not in BOOKKEEPING]
        tensors = {name.removesuffix(SUFFIX): reader.get_tensor(name) for name in names}
    except Exception as error:  # the reader fails in many ways, each of them the user's broken file
        raise UserError(f"{prefix}: expected a TensorFlow checkpoint, got: {error}") from error
    first, last = (tensors.get(f"decoder/layer_with_weights-{i}/kernel") for i in (0, 3))
    if first is None or last is None or first.ndim != 2 or last.ndim != 4:
        raise UserError(f"{prefix}: expected decoder/layer_with_weights-0/kernel [z, 1568] and -3/kernel [3, 3, C, 32]")
    facts = {"model": "vae", "architecture": "conv28", "latent_dim": int(first.shape[0]), "loss": "l2"}
    settings = config.recorded(facts)
    image_shape = [28, 28, int(last.shape[2])]
    return tensors, {"config": vars(settings), "output_space": "linear", "image_shape": image_shape}


def names(model):
    """Return the variables of a model by their names in such a checkpoint."""
    return {
        f"{part.name}/layer_with_weights-{i}/{variable.name}": variable
        for part in model.layers
        for i, layer in enumerate(layer for layer in part.layers if layer.weights)
        for variable in layer.weights
    }

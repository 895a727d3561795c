"""The whole state of a running training, in one checkpoint file."""

import keras

from models import checkpoint


def variables(model):
    """Every variable that training changes, by name: weights, optimizer, running means."""
    optimizer = {f"optimizer/{i:02d}": variable for i, variable in enumerate(model.optimizer.variables)}
    return checkpoint.weights(model) | optimizer | means(model)


def means(model):
    """The variables of the running means, by name."""
    return {f"mean/{name}/{v.name}": v for name, tracker in model.trackers.items() for v in tracker.variables}


def save(path, model, config, log):
    """Write all that is needed to go on from here to the same bits."""
    tensors = {name: variable.numpy() for name, variable in variables(model).items()}
    checkpoint.write(path, tensors, config=vars(config), rows=log.rows, latest=log.monitor.latest)


def restore(path, model, log):
    """Set a compiled model and its log to a saved state; returns the callback that completes it.

    Raises:
        UserError: the state is missing or damaged, or does not belong to this model.
    """
    tensors, manifest = checkpoint.read(path)
    checkpoint.assign(path, variables(model), tensors)
    log.rows, log.monitor.latest = manifest["rows"], manifest["latest"]
    return RestoreMeans(tensors)


class RestoreMeans(keras.callbacks.Callback):
    """Sets the running means once more after Keras, beginning the first epoch, has reset them."""

    def __init__(self, tensors):
        super().__init__()
        self.tensors = tensors

    def on_epoch_begin(self, epoch, logs=None):
        """Set them, once."""
        if self.tensors is not None:
            for name, variable in means(self.model).items():
                variable.assign(self.tensors[name])
            self.tensors = None

"""What happens when a loss or a gradient is not finite: stop, keep what was good, record the step."""

import keras
import numpy as np
import tensorflow as tf

import config
import models
from config.system.errors import UserError
from data import batches
from models import checkpoint

BATCH = "batch"


class Guard(keras.callbacks.Callback):
    """Ends the training at the first step that the model refused to take.

    The model keeps its weights and the number of the step when the loss or a gradient is not finite. The step is
    written to `path` with its batch and the weights, and can be replayed.

    Raises:
        UserError: at that step; the message says how to replay it.
    """

    def __init__(self, path, settings, images):
        super().__init__()
        self.path, self.settings, self.images = path, settings, images

    def on_train_begin(self, logs=None):
        """Remember the step at which the optimizer is."""
        self.step = int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch, logs=None):
        """Check that the optimizer has taken the step."""
        if int(self.model.optimizer.iterations) == self.step:
            self.record()
            raise UserError(
                f"step {self.step}: the loss or a gradient is not finite; the last checkpoint is unchanged; "
                f"python train.py --replay={self.path} shows the terms"
            )
        self.step += 1

    def record(self):
        """Write the weights, the batch and the terms of the step that failed."""
        epoch, step = divmod(self.step, config.steps_per_epoch(self.settings))
        size, seed = self.settings.batch_size, self.settings.seed
        images = next(iter(batches.epoch(self.images, size, seed, epoch, step)))
        tensors = {name: variable.numpy() for name, variable in checkpoint.weights(self.model).items()}
        terms = {name: f"{value:g}" for name, value in summary(self.model, images, self.step).items()}
        facts = {"config": vars(self.settings), "seed": seed, "step": self.step, "terms": terms}
        checkpoint.write(self.path, tensors | {BATCH: images.numpy()}, **facts)


def summary(model, images, step):
    """Return the mean of every term and the norm of every variable's gradient at a step, by name."""
    parts, groups = model.gradients(images, model.noise(len(images), step), step)
    names = {id(variable): name for name, variable in checkpoint.weights(model).items()}
    means = {name: float(tf.reduce_mean(values)) for name, values in parts.items()}
    pairs = [pair for group in groups for pair in group]
    return means | {f"gradient of {names[id(v)]}": float(np.linalg.norm(value)) for value, v in pairs}


def replay(path):
    """Return the number and the summary of the step recorded in `path`, computed again.

    Raises:
        UserError: the file is missing or damaged, or is no such record.
    """
    tensors, manifest = checkpoint.read(path)
    if BATCH not in tensors:
        raise UserError(f"--replay: expected the record of a failed step, got another checkpoint, {path}")
    images = tensors.pop(BATCH)
    model = models.build(checkpoint.configuration(manifest), images.shape[-3:])
    checkpoint.assign(path, checkpoint.weights(model), tensors)
    return manifest["step"], summary(model, tf.constant(images), manifest["step"])

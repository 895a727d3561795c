"""What happens when a loss or a gradient is not finite: stop, keep what was good, record the step."""

from dataclasses import replace

import numpy as np
import tensorflow as tf

import config
import models
from config.system.errors import UserError
from data import batches
from models import checkpoint
from training import devices

BATCH = "batch"


def stop(path, settings, model, images, step):
    """End the training at a `step` that the model refused, after recording it in the file `path`.

    The model keeps its weights and the number of the step when the loss or a gradient is not finite. The record has
    the weights, the batch and the terms, and can be replayed.

    Raises:
        UserError: always; the message says how to replay the step.
    """
    epoch, place = divmod(step, config.steps_per_epoch(settings))
    batch = next(iter(batches.epoch(images, settings.batch_size, settings.seed, epoch, place)))
    tensors = {name: variable.numpy() for name, variable in checkpoint.weights(model).items()}
    terms = {name: f"{value:g}" for name, value in summary(model, batch, step).items()}
    recorded = vars(replace(settings, beta=float(model.beta), target_kl=0.0))
    if devices.is_chief(model):
        checkpoint.write(path, tensors | {BATCH: batch.numpy()}, config=recorded, step=step, terms=terms)
    raise UserError(
        f"step {step}: the loss or a gradient is not finite; the last checkpoint is unchanged; "
        f"python train.py --replay={path} shows the terms"
    )


def summary(model, images, step):
    """Return the mean of every term and the norm of every variable's gradient at a step, by name."""
    objective, groups = model.gradients(images, model.noise(len(images), step), step)
    names = {id(variable): name for name, variable in checkpoint.weights(model).items()}
    means = {name: float(tf.reduce_mean(values)) for name, values in objective.parts.items()}
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

"""Batches of images for training."""

import contextlib

import numpy as np
import tensorflow as tf

from config.system.errors import UserError


def epoch(images, batch_size, seed, number, first_step=0):
    """One pass over images [N, ...], an array or a tensor, uint8 or float32, as a tf.data.Dataset of float32 batches.

    The order is a function of (seed, number of the epoch) alone, so a pass can begin again at any
    step, `first_step`. The last batch may be short. Images that are no array, but have one's shape and
    take arrays of indices, are asked for each batch ahead of time.
    """
    order = np.random.default_rng([seed, number]).permutation(len(images))
    images = resident(images)
    gather = (lambda index: tf.gather(images, index)) if tf.is_tensor(images) else _as_needed(images)
    indices = tf.data.Dataset.from_tensor_slices(order).batch(batch_size).skip(first_step)
    return indices.map(lambda index: to_float(gather(index))).prefetch(2)


def resident(images):
    """An array of images as a tensor, which no epoch copies anew; images that are read as needed stay as they are."""
    return tf.constant(images) if isinstance(images, np.ndarray) else images


def _as_needed(images):
    def gather(index):
        return tf.ensure_shape(tf.numpy_function(images.__getitem__, [index], images.dtype), [None, *images.shape[1:]])

    return gather


@contextlib.contextmanager
def all_readable(images):
    """Where batches of `images` are used: a picture that has vanished or broken meanwhile is named.

    Raises:
        UserError: one has, in the place of the error that TensorFlow makes of it.
    """
    try:
        yield
    except tf.errors.OpError:
        if failure := getattr(images, "failure", None):
            raise UserError(f"{failure}; once it is back, --resume goes on from the last save") from None
        raise


def to_float(images):
    """uint8 images as float32 in [0, 1]; float32 ones as they are."""
    images = tf.convert_to_tensor(images)
    return images if images.dtype == tf.float32 else tf.cast(images, tf.float32) / 255

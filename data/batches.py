"""Batches of images for training."""

import contextlib

import numpy as np
import tensorflow as tf

from config.system.errors import UserError


def epoch(images, batch_size, seed, number, first_step=0):
    """Return one pass over `images`, a tf.data.Dataset of batches float32 [B, H, W, C] in [0, 1].

    The order depends on the seed and the `number` of the epoch alone. So a pass can begin again at any step,
    `first_step`. The last batch may be short.

    Args: `images` [N, ...], uint8 or float32: an array, a tensor, or Pictures, whose batches are read ahead.
    """
    order = np.random.default_rng([seed, number]).permutation(len(images))
    images = resident(images)
    gather = (lambda index: tf.gather(images, index)) if tf.is_tensor(images) else _read(images)
    indices = tf.data.Dataset.from_tensor_slices(order).batch(batch_size).skip(first_step)
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing is to be tuned, and its thread can take seconds to end
    return indices.map(lambda index: to_float(gather(index))).prefetch(2).with_options(options)


def resident(images):
    """Turn an array of images into a tensor, which no epoch copies again. Pictures stay as they are."""
    return tf.constant(images) if isinstance(images, np.ndarray) else images


def _read(images):
    def gather(index):
        return tf.ensure_shape(tf.numpy_function(images.__getitem__, [index], images.dtype), [None, *images.shape[1:]])

    return gather


@contextlib.contextmanager
def all_readable(images):
    """Name the picture that has vanished or broken while batches of `images` are used.

    Raises:
        UserError: there is one. It takes the place of TensorFlow's own error.
    """
    try:
        yield
    except tf.errors.OpError:
        if failure := getattr(images, "failure", None):
            raise UserError(f"{failure}; once it is back, --resume goes on from the last save") from None
        raise


def to_float(images):
    """Return uint8 images as float32 in [0, 1], and float32 images as they are."""
    images = tf.convert_to_tensor(images)
    return images if images.dtype == tf.float32 else tf.cast(images, tf.float32) / 255

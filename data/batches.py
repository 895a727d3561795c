"""Batches of images for training."""

import numpy as np
import tensorflow as tf


def epoch(images, batch_size, seed, number, first_step=0):
    """One pass over uint8 images [N, H, W, C] as a tf.data.Dataset of float32 batches in [0, 1].

    The order is a function of (seed, number of the epoch) alone, so a pass can begin again at any
    step, `first_step`. The last batch may be short.
    """
    order = np.random.default_rng([seed, number]).permutation(len(images))
    resident = tf.constant(images)
    indices = tf.data.Dataset.from_tensor_slices(order).batch(batch_size).skip(first_step)
    return indices.map(lambda index: to_float(tf.gather(resident, index))).prefetch(2)


def to_float(images):
    """uint8 images as float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255

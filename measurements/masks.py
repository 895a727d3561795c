"""Measurements that multiply: θ is a mask, y = θ·x."""

import math

import tensorflow as tf

from config.system.errors import UserError
from measurements.base import Measurement, soft_minimum, squared_error


class Mask(Measurement):
    """y = θ·x; θ [B, H or 1, W or 1, C or 1]."""

    def measured(self, images, theta):
        return theta * images


# the axes of images that share a draw
SHARED = {"pixel": [], "row": [2, 3], "col": [1, 3]}


class Drop(Mask):
    """θ = 1[u ≥ p] / (1 - p), u uniform on [0, 1), so that E[θ] = 1.

    Args: `p`, the share that is dropped; `units`, what has a u of its own: "pixel" (each of every
    channel), "row" or "col"; of several the θ are multiplied.
    """

    def __init__(self, p, units):
        self.p, self.units = p, units

    def draw(self, shape, seed):
        size, height, width, channels = shape
        shapes = {"pixel": [size, height, width, channels], "row": [size, height, 1, 1], "col": [size, 1, width, 1]}
        seeds = tf.unstack(tf.random.split(seed, len(self.units)))
        uniforms = [tf.random.stateless_uniform(shapes[u], s) for u, s in zip(self.units, seeds, strict=True)]
        return math.prod(tf.cast(uniform >= self.p, tf.float32) / (1 - self.p) for uniform in uniforms)

    def marginal_error(self, images, measured, precision):
        """As of every measurement; but where 0 says that a pixel was dropped, of the image where it was not."""
        if not self.has_zeros:
            seen = tf.cast(measured != 0, tf.float32)
            return squared_error(seen * images, seen * measured * (1 - self.p) ** len(self.units))
        if len(self.units) > 1:
            return super().marginal_error(images, measured, precision)
        errors = tf.stack([measured**2, (images / (1 - self.p) - measured) ** 2], -1)
        errors = tf.reduce_sum(errors, SHARED[self.units[0]], keepdims=True)
        return tf.reduce_sum(soft_minimum(errors, [self.p, 1 - self.p], precision), [1, 2, 3])

    def from_picture(self, picture):
        return picture / (1 - self.p) ** len(self.units)


class KeepPatch(Mask):
    """θ = 1 in a square of k x k pixels, 0 elsewhere; its corner is uniform over all positions in the image."""

    def __init__(self, k):
        self.k = k

    def draw(self, shape, seed):
        rows, columns = tf.unstack(corners(self.k, shape, seed), axis=1)
        inside_rows, inside_columns = within(rows, self.k, shape[1]), within(columns, self.k, shape[2])
        return inside_rows[:, :, None, None] * inside_columns[:, None, :, None]

    def marginal_error(self, images, measured, precision):
        errors = squared_error(0, measured)[:, None] + self.gained(images, measured)
        return soft_minimum(errors, 1 / errors.shape[1], precision)

    def gained(self, images, measured):
        """By how much the squared error of zeros grows where a square shows the image, for each of them: [B, I]."""
        growth = tf.reduce_sum((images - measured) ** 2 - measured**2, 3, keepdims=True)
        sums = self.k**2 * tf.nn.avg_pool2d(growth, self.k, 1, "VALID")
        return tf.reshape(sums, [-1, math.prod(sums.shape[1:])])


class DropPatch(KeepPatch):
    """θ = 0 in a square of k x k pixels, 1 elsewhere, not rescaled.

    If k is more than half of the image's side, no position leaves the pixels in its middle to be seen: nobody
    ever observes them, and nothing that learns from measured images alone can fill them.
    """

    def draw(self, shape, seed):
        return 1 - super().draw(shape, seed)

    def marginal_error(self, images, measured, precision):
        errors = squared_error(images, measured)[:, None] - self.gained(images, measured)
        return soft_minimum(errors, 1 / errors.shape[1], precision)


def corners(k, shape, seed):
    """The first row and column [B, 2] of squares of k x k pixels, uniform over all that fit in images of `shape`.

    Raises:
        UserError: none fits.
    """
    size, *sides, _ = shape
    if k > min(sides):
        raise UserError(f"measurement_k: expected at most the image's {min(sides)} pixels, got {k}")
    seeds = tf.unstack(tf.random.split(seed, 2))
    draws = [
        tf.random.stateless_uniform([size], one, maxval=side - k + 1, dtype=tf.int32)
        for one, side in zip(seeds, sides, strict=True)
    ]
    return tf.stack(draws, axis=1)


def within(start, k, side):
    """1 where a position [side] is one of the k from `start` [B] on, else 0: [B, side]."""
    offset = tf.range(side) - start[:, None]
    return tf.cast((offset >= 0) & (offset < k), tf.float32)

"""Measurements that multiply: θ is a mask, y = θ·x."""

import math

import tensorflow as tf

from measurements.base import Measurement, soft_minimum, squared_error


class Mask(Measurement):
    """y = θ·x with θ [B, H or 1, W or 1, C or 1]."""

    def _formula(self, images, theta):
        return theta * images


# the axes of images over which each unit extends
EXTENT = {"pixel": [], "row": [2, 3], "col": [1, 3]}


class Drop(Mask):
    """θ = 1[u ≥ p] / (1 - p) with u uniform on [0, 1), so that E[θ] = 1.

    Args:
        units: what has a u of its own: "pixel" (each pixel of each channel), "row" or "col". With several
            units their masks are multiplied.
        p: the share that is dropped.
    """

    def __init__(self, units, p=0.8):
        self.units, self.p = units, p

    def draw(self, shape, seed):
        size, height, width, channels = shape
        shapes = {"pixel": [size, height, width, channels], "row": [size, height, 1, 1], "col": [size, 1, width, 1]}
        seeds = tf.unstack(tf.random.split(seed, len(self.units)))
        uniforms = [tf.random.stateless_uniform(shapes[u], s) for u, s in zip(self.units, seeds, strict=True)]
        return math.prod(tf.cast(uniform >= self.p, tf.float32) / (1 - self.p) for uniform in uniforms)

    def marginal_error(self, images, measured, precision):
        if len(self.units) > 1:
            return super().marginal_error(images, measured, precision)
        errors = tf.stack([measured**2, (images / (1 - self.p) - measured) ** 2], -1)
        errors = tf.reduce_sum(errors, EXTENT[self.units[0]], keepdims=True)
        return tf.reduce_sum(soft_minimum(errors, [self.p, 1 - self.p], precision), [1, 2, 3])

    def marginal_error_around_grey(self, images, measured, precision):
        """Return the squared error [B] of the image where it was not dropped: here a 0 tells what was."""
        seen = tf.cast(measured != 0, tf.float32)
        return squared_error(seen * images, seen * measured * (1 - self.p) ** len(self.units))

    def from_picture(self, picture):
        return picture / (1 - self.p) ** len(self.units)


class KeepPatch(Mask):
    """θ = 1 in a square of k x k pixels and 0 elsewhere. All positions within the image are equally likely."""

    def __init__(self, k=14):
        self.k = k

    def draw(self, shape, seed):
        rows, columns = tf.unstack(corners(self.k, shape, seed), axis=1)
        inside_rows, inside_columns = within(rows, self.k, shape[1]), within(columns, self.k, shape[2])
        return inside_rows[:, :, None, None] * inside_columns[:, None, :, None]

    def marginal_error(self, images, measured, precision):
        errors = squared_error(0, measured)[:, None] + self.added_error(images, measured)
        return soft_minimum(errors, 1 / errors.shape[1], precision)

    def added_error(self, images, measured):
        """Return what showing the image in a square adds to the squared error of black, [B, number of squares]."""
        added = tf.reduce_sum((images - measured) ** 2 - measured**2, 3, keepdims=True)
        sums = self.k**2 * tf.nn.avg_pool2d(added, self.k, 1, "VALID")
        return tf.reshape(sums, [-1, math.prod(sums.shape[1:])])


class DropPatch(KeepPatch):
    """θ = 0 in a square of k x k pixels and 1 elsewhere. The rest is not rescaled.

    If k is more than half of the image's side, every position hides the pixels in the middle. Then no
    model that learns from measured images alone can fill them.
    """

    def draw(self, shape, seed):
        return 1 - super().draw(shape, seed)

    def marginal_error(self, images, measured, precision):
        errors = squared_error(images, measured)[:, None] - self.added_error(images, measured)
        return soft_minimum(errors, 1 / errors.shape[1], precision)


def corners(k, shape, seed):
    """Draw the first row and column [B, 2] of squares of k x k pixels, uniform over all that fit into `shape`.

    Raises:
        ValueError: none fits.
    """
    size, *sides, _ = shape
    if k > min(sides):
        raise ValueError(f"measurement: expected k of at most the image's {min(sides)} pixels, got {k}")
    seeds = tf.unstack(tf.random.split(seed, 2))
    starts = [
        tf.random.stateless_uniform([size], one, maxval=side - k + 1, dtype=tf.int32)
        for one, side in zip(seeds, sides, strict=True)
    ]
    return tf.stack(starts, axis=1)


def within(start, k, side):
    """Return [B, side]: 1 at the k positions from `start` [B] on, else 0."""
    offset = tf.range(side) - start[:, None]
    return tf.cast((offset >= 0) & (offset < k), tf.float32)

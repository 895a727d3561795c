"""Measurements that move pixels."""

import math

import tensorflow as tf

from measurements.base import Measurement
from measurements.masks import corners


class ExtractPatch(Measurement):
    """A square of k x k pixels, moved to the middle, with black around it. θ [B, 2] is its corner, uniform."""

    def __init__(self, k=14):
        self.k = k

    def draw(self, shape, seed):
        return corners(self.k, shape, seed)

    def _formula(self, images, theta):
        rows, columns = tf.unstack(theta[..., None] + tf.range(self.k), axis=1)
        patch = tf.gather(tf.gather(images, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
        top, left = ((side - self.k) // 2 for side in images.shape[1:3])
        return tf.image.pad_to_bounding_box(patch, top, left, *images.shape[1:3])


class PadRotateProject(Measurement):
    """The image, turned by θ [B] (uniform on [0, 2π)) and projected: one line of sums over the rows.

    The image has black around it, so that all of it is seen at every angle. What is measured has the shape
    of the image: the line is sampled at the image's width and repeated in every row.
    """

    def draw(self, shape, seed):
        return tf.random.stateless_uniform(shape[:1], seed, maxval=2 * math.pi)

    def _formula(self, images, theta):
        return tf.image.resize(projection(images, theta)[:, None], images.shape[1:3])


def projection(images, theta):
    """Return the sums [B, S, C] over the rows of images [B, H, W, C] turned by θ [B].

    The images are turned in a square whose side S is their diagonal, in pixels.
    """
    height, width = images.shape[1:3]
    side = math.ceil(math.hypot(height, width))
    offset = tf.range(side, dtype=tf.float32) - (side - 1) / 2
    down, across = offset[:, None], offset[None, :]
    cos, sin = tf.cos(theta)[:, None, None], tf.sin(theta)[:, None, None]
    y, x = sin * across + cos * down + (height - 1) / 2, cos * across - sin * down + (width - 1) / 2
    return tf.reduce_sum(interpolate(images, y, x), axis=1)


def interpolate(images, y, x):
    """Return images [B, H, W, C] at rows `y` and columns `x` [B, S, S], between pixels linearly: [B, S, S, C].

    Outside the images is black. TensorFlow's own transformation of images has a gradient that does not
    match its values.
    """
    padded = tf.pad(images, [[0, 0], [1, 2], [1, 2], [0, 0]])
    y, x = (tf.clip_by_value(at, -1, side) + 1 for at, side in zip((y, x), images.shape[1:3], strict=True))
    top, left = tf.floor(y), tf.floor(x)
    found = 0.0
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        weight = (1 - tf.abs(y - row)) * (1 - tf.abs(x - column))
        place = tf.cast(tf.stack([row, column], axis=-1), tf.int32)
        found += weight[..., None] * tf.gather_nd(padded, place, batch_dims=1)
    return found

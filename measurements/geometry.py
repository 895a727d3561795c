"""Measurements that move pixels."""

import math

import tensorflow as tf

from measurements.base import Measurement
from measurements.masks import corners


class ExtractPatch(Measurement):
    """A square of k x k pixels moved to the middle, zeros around it; θ [B, 2], its corner, is uniform."""

    def __init__(self, k):
        self.k = k

    def draw(self, shape, seed):
        return corners(self.k, shape, seed)

    def measured(self, images, theta):
        rows, columns = tf.unstack(theta[..., None] + tf.range(self.k), axis=1)
        patch = tf.gather(tf.gather(images, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
        top, left = ((side - self.k) // 2 for side in images.shape[1:3])
        return tf.image.pad_to_bounding_box(patch, top, left, *images.shape[1:3])


class PadRotateProject(Measurement):
    """The projection of the image, turned by θ [B], uniform on [0, 2π): one line of sums over the rows.

    Zeros around the image hold it whole at every angle. So that what is measured has the shape of the
    image, the line is sampled at its width and repeated in every row.
    """

    def draw(self, shape, seed):
        return tf.random.stateless_uniform(shape[:1], seed, maxval=2 * math.pi)

    def measured(self, images, theta):
        return tf.image.resize(projection(images, theta)[:, None], images.shape[1:3])


def projection(images, theta):
    """The sums [B, S, C] over the rows of images [B, H, W, C] turned by θ [B] in a square of their diagonal, S."""
    height, width = images.shape[1:3]
    side = math.ceil(math.hypot(height, width))
    cos, sin, zero = tf.cos(theta), tf.sin(theta), tf.zeros_like(theta)
    # where a pixel (x, y) of the square comes from: the rotation about its middle, put in the image's middle
    middle = (side - 1) / 2
    x = (width - 1) / 2 - middle * (cos - sin)
    y = (height - 1) / 2 - middle * (sin + cos)
    turned = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([cos, -sin, x, sin, cos, y, zero, zero], axis=1),
        output_shape=[side, side],
        fill_value=0.0,
        interpolation="BILINEAR",
    )
    return tf.reduce_sum(turned, axis=1)

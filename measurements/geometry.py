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
    """The sums over the rows of the image turned by θ [B], uniform on [0, 2π).

    Zeros around the image hold all of it at every angle. The line of sums, sampled at the image's width,
    is repeated in every row, so that a measured image has the shape of its image.
    """

    def draw(self, shape, seed):
        return tf.random.stateless_uniform(shape[:1], seed, maxval=2 * math.pi)

    def measured(self, images, theta):
        raise NotImplementedError

"""Measurements that add noise: y = (blurred) x + θ, not clipped."""

import numpy as np
import tensorflow as tf

from measurements.base import Measurement, squared_error


class AddNoise(Measurement):
    """y = x + θ, θ [B, H, W, C] normal of standard deviation σ."""

    def __init__(self, sigma):
        self.sigma = sigma

    def draw(self, shape, seed):
        return self.sigma * tf.random.stateless_normal(shape, seed)

    def measured(self, images, theta):
        return images + theta

    def marginal_error(self, images, measured, precision):
        return squared_error(self.measured(images, 0), measured) / (1 + precision * self.sigma**2)


class BlurAddNoise(AddNoise):
    """y = k ∗ x + θ, zeros around the image; k a Gaussian of `radius` pixels cut to size x size, of sum 1."""

    def __init__(self, radius, size, sigma):
        super().__init__(sigma)
        self.radius, self.size = radius, size

    def measured(self, images, theta):
        channels = images.shape[-1]
        kernel = tf.tile(
            tf.constant(gaussian(self.radius, self.size), tf.float32)[:, :, None, None], [1, 1, channels, 1]
        )
        return super().measured(tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "SAME"), theta)


def gaussian(radius, size):
    """A Gaussian kernel [size, size] of standard deviation `radius` pixels and sum 1."""
    offsets = np.arange(size) - (size - 1) / 2
    profile = np.exp(-(offsets**2) / (2 * radius**2))
    return np.outer(profile, profile) / profile.sum() ** 2

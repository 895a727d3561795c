"""Measurements that add noise: y = (blurred) x + θ, not clipped."""

import math

import numpy as np
import tensorflow as tf

from measurements.base import Measurement, squared_error


class AddNoise(Measurement):
    """y = x + θ with θ [B, H, W, C] normal, of standard deviation `sigma`."""

    def __init__(self, sigma=0.2):
        self.sigma = sigma

    def draw(self, shape, seed):
        return self.sigma * tf.random.stateless_normal(shape, seed)

    def _formula(self, images, theta):
        return images + theta

    def marginal_error(self, images, measured, precision):
        """Return ‖f_0(x) - y‖² / (1 + α σ²) + (H·W·C/α) · log(1 + α σ²), [B]: the normal integral."""
        spread = 1 + precision * self.sigma**2
        size = math.prod(measured.shape[1:])
        return squared_error(self._formula(images, 0), measured) / spread + size / precision * math.log(spread)


class BlurAddNoise(AddNoise):
    """y = k ∗ x + θ with black around the image.

    k is a Gaussian of standard deviation `radius` pixels, cut to `size` x `size` pixels, of sum 1.
    """

    def __init__(self, radius=1, size=5, sigma=0.2):
        super().__init__(sigma)
        self.radius, self.size = radius, size

    def _formula(self, images, theta):
        kernel = tf.constant(gaussian(self.radius, self.size), tf.float32)[:, :, None, None]
        kernel = tf.tile(kernel, [1, 1, images.shape[-1], 1])
        return super()._formula(tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "SAME"), theta)


def gaussian(radius, size):
    """Return a Gaussian kernel [size, size] of standard deviation `radius` pixels and sum 1."""
    offsets = np.arange(size) - (size - 1) / 2
    profile = np.exp(-(offsets**2) / (2 * radius**2))
    return np.outer(profile, profile) / profile.sum() ** 2

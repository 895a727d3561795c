"""The focal frequency loss (Jiang, Dai, Wu, Loy 2021)."""

import keras
import numpy as np
import tensorflow as tf

from losses.base import ReconstructionLoss
from losses.spectral import exponentials, half_plane, spectrum


@keras.saving.register_keras_serializable("losses")
class FocalFrequency(ReconstructionLoss):
    """Distance of spectra that looks where they differ most, [B]: mean of w·|F_o - F_i|² over bins and channels.

    F is the orthonormal 2-D DFT of a whole channel, w = |F_o - F_i|^alpha over its largest value in
    that channel, through which no gradient goes: w is at most 1, so by Parseval the loss is at most
    `l2`. Source: section 3 of the paper, and the authors' code for the maximum, which is taken channel
    by channel.

    Args: `alpha`, 0 for equal weights.
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha

    def distance(self, image, reconstruction):
        """The loss of each pair [B]."""
        height, width = image.shape[1:3]
        half, counts = half_plane(width)
        vertical, horizontal = exponentials(height, np.arange(height)), exponentials(width, half)
        real, imaginary = spectrum(reconstruction - image, vertical / height**0.5, horizontal / width**0.5)
        squared = real**2 + imaginary**2
        focus = tf.stop_gradient(squared) ** (self.alpha / 2)
        weight = tf.math.divide_no_nan(focus, tf.reduce_max(focus, [2, 3], keepdims=True))
        means = tf.constant(counts[:, None] / (height * width), tf.float32)
        return tf.reduce_mean(tf.reduce_sum(means * weight * squared, [2, 3]), 1)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {"alpha": self.alpha}

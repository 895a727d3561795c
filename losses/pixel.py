"""Losses that compare pixel by pixel: means over the pixels and channels of an image."""

import keras
import tensorflow as tf

from .base import ReconstructionLoss

PIXELS = [1, 2, 3]


@keras.saving.register_keras_serializable("losses")
class L1(ReconstructionLoss):
    """Mean absolute error, [B], in units of intensity."""

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        return tf.reduce_mean(tf.abs(image - reconstruction), PIXELS)


@keras.saving.register_keras_serializable("losses")
class L2(ReconstructionLoss):
    """Mean squared error, [B], in units of intensity squared (no factor of one half)."""

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        return tf.reduce_mean(tf.math.squared_difference(image, reconstruction), PIXELS)


@keras.saving.register_keras_serializable("losses")
class BCE(ReconstructionLoss):
    """Mean sigmoid cross-entropy above its minimum, [B], in nats per pixel.

    The reconstruction is a **logit**: the image is its sigmoid (`output_space: logits`). The entropy of the image
    itself is subtracted. This changes no gradient, is 0 for binary images, and makes the loss 0 where
    sigmoid(reconstruction) equals the image. The paper tried it (section 3.2).
    """

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=image, logits=reconstruction)
        entropy = -tf.math.xlogy(image, image) - tf.math.xlog1py(1 - image, -image)
        return tf.reduce_mean(cross_entropy - entropy, PIXELS)

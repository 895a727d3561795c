"""Losses that compare pixel by pixel: means over the pixels and channels of an image."""

import keras
from keras import ops

from .base import ReconstructionLoss

PIXELS = [1, 2, 3]


@keras.saving.register_keras_serializable("losses")
class L1(ReconstructionLoss):
    """Mean absolute error, [B], in units of intensity."""

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        return ops.mean(ops.abs(image - reconstruction), PIXELS)


@keras.saving.register_keras_serializable("losses")
class L2(ReconstructionLoss):
    """Mean squared error, [B], in units of intensity squared (no factor of one half)."""

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        return ops.mean(ops.square(image - reconstruction), PIXELS)


@keras.saving.register_keras_serializable("losses")
class BCE(ReconstructionLoss):
    """Mean sigmoid cross-entropy above its minimum, [B], in nats per pixel.

    The reconstruction is a **logit**: the image is its sigmoid (`output_space: logits`). The entropy of the image
    itself is subtracted. This changes no gradient, is 0 for binary images, and makes the loss 0 where
    sigmoid(reconstruction) equals the image. The paper tried it (section 3.2).
    """

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        image, logits, negative = ops.clip(image, 0, 1), reconstruction, reconstruction < 0
        # max(logits, 0) and -|logits|, with the right slopes where a logit is 0
        positive, exponent = ops.where(negative, 0, logits), ops.where(negative, logits, -logits)
        cross_entropy = positive - logits * image + ops.log1p(ops.exp(exponent))
        return ops.mean(cross_entropy + log_power(image) + log_power(1 - image), PIXELS)


def log_power(probability):
    """Return p·log p, which is 0 where p is 0."""
    return probability * ops.log(ops.maximum(probability, 1e-37))

"""Batch normalisation over the batch of all devices."""

import keras
import tensorflow as tf
from keras import layers

from models import replicas


@keras.saving.register_keras_serializable("models")
class BatchNormalization(layers.BatchNormalization):
    """Keras's, but with several devices the moments are those of the global batch.

    Keras's own way, `synchronized`, takes the variance as E[x²] - E[x]², which rounds more.
    """

    def _moments(self, inputs, mask):
        """Return mean and variance [C] of inputs [B, ..., C]."""
        if not replicas.replica():
            return super()._moments(inputs, mask)
        axes = list(range(len(inputs.shape) - 1))
        count = replicas.total(tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), inputs.dtype))
        mean = replicas.total(tf.reduce_sum(inputs, axes)) / count
        return mean, replicas.total(tf.reduce_sum((inputs - mean) ** 2, axes)) / count

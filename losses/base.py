"""What every reconstruction loss has in common."""

import keras
import tensorflow as tf


class ReconstructionLoss(keras.losses.Loss):
    """A distance between images and their reconstructions, one value an image.

    `call(image, reconstruction)` takes two float tensors [B, H, W, C] and returns [B]: at least 0,
    0 where they are equal, each image for itself, with bounded gradients. A subclass writes
    `distance`; its constructor's arguments are its hyperparameters.

    Raises:
        ValueError: the two shapes differ, or are not [B, H, W, C].
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        super().__init__(name=name or type(self).__name__.lower(), reduction=reduction, dtype=dtype)

    def call(self, image, reconstruction):
        """The loss of each image [B]."""
        image, reconstruction = tf.convert_to_tensor(image), tf.convert_to_tensor(reconstruction)
        if image.shape.rank != 4 or not image.shape.is_compatible_with(reconstruction.shape):
            raise ValueError(
                f"{self.name}: expected image and reconstruction of one shape [B, H, W, C], "
                f"got {tuple(image.shape)} and {tuple(reconstruction.shape)}"
            )
        return self.distance(image, reconstruction)

    def distance(self, image, reconstruction):
        """The distance of each pair [B]; the shapes have been checked."""
        raise NotImplementedError

    def terms(self, image, reconstruction):
        """The named parts that `call` adds up, each [B]."""
        return {self.name: self.call(image, reconstruction)}


def planes(images):
    """Every channel as an image of its own: [B, H, W, C] → [B, C, H, W]."""
    if images.shape[-1] == 1:
        return tf.reshape(images, [-1, 1, *images.shape[1:3]])
    return tf.transpose(images, [0, 3, 1, 2])


def along_last_axis(values, rows):
    """`rows` [k, n] applied to the last axis of `values` [..., m, n], and that axis moved: [..., k, m].

    Applied once for the width and once for the height it transforms a plane both ways. One product
    of two plain matrices: batched products of unequal rank are slower (and crash under oneDNN).
    """
    *leading, size = values.shape[1:]
    product = tf.reshape(values, [-1, size]) @ tf.constant(rows.T, tf.float32)
    return tf.linalg.matrix_transpose(tf.reshape(product, [-1, *leading, len(rows)]))

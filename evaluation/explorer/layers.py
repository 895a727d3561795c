"""A Keras network as the steps that network.js takes: a new layer is a function here and, if need be, a step there."""

import base64
from functools import singledispatch

import numpy as np
from keras import layers

from config.system.errors import UserError

# the activations that network.js has, by the name of Keras's function
ACTIVATIONS = ("relu", "sigmoid", "tanh")


def steps(network):
    """Return the steps of a Sequential network as a list of dicts, weights as base64.

    Raises:
        UserError: the page cannot compute one of its layers.
    """
    return [step for layer in network.layers for step in of_layer(layer)]


@singledispatch
def of_layer(layer):
    """Return the steps of a layer.

    Raises:
        UserError: there is no function for its class.
    """
    raise UserError(f"grid explorer: expected layers that the page can compute, got a {type(layer).__name__}")


@of_layer.register
def dense(layer: layers.Dense):
    """A dense layer is a 1x1 convolution of an image of one pixel."""
    kernel, bias = (variable.numpy() for variable in layer.weights)
    flat = {"step": "reshape", "shape": [1, 1, len(kernel)]}
    return [flat, convolve(kernel[None, None], bias, [1, 1, len(bias)], 1, 0), *activation(layer.activation)]


@of_layer.register
def convolution(layer: layers.Conv2D):
    """A kernel [h, w, in, out] that slides over the image."""
    kernel, bias = (variable.numpy() for variable in layer.weights)
    large, small = layer.input.shape[1:], layer.output.shape[1:]
    before = padding_before(layer, large, small)
    return [convolve(kernel, bias, small, layer.strides[0], before), *activation(layer.activation)]


@of_layer.register
def transposed_convolution(layer: layers.Conv2DTranspose):
    """A kernel [h, w, out, in] that slides over the output."""
    kernel, bias = (variable.numpy() for variable in layer.weights)
    small, large = layer.input.shape[1:], layer.output.shape[1:]
    before = padding_before(layer, large, small)
    step = convolve(kernel.swapaxes(2, 3), bias, large, layer.strides[0], before)
    return [step | {"step": "spread"}, *activation(layer.activation)]


@of_layer.register
def reshape(layer: layers.Reshape | layers.Flatten):
    """The same values in another shape [height, width, channels]."""
    shape = list(layer.output.shape[1:])
    return [{"step": "reshape", "shape": [1] * (3 - len(shape)) + shape}]


@of_layer.register
def normalisation(layer: layers.BatchNormalization):
    """With the moving averages, a factor and an offset for each channel."""
    factor = layer.gamma.numpy() / np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
    return [scale(factor, layer.beta.numpy() - layer.moving_mean.numpy() * factor)]


@of_layer.register
def rescaling(layer: layers.Rescaling):
    """One factor and one offset for all channels."""
    channels = layer.output.shape[-1]
    return [scale(np.full(channels, layer.scale), np.full(channels, layer.offset))]


@of_layer.register
def relu(layer: layers.ReLU):
    """max(x, 0)."""
    return [{"step": "relu"}]


@of_layer.register
def leaky_relu(layer: layers.LeakyReLU):
    """x, and where it is negative a share of it."""
    return [{"step": "relu", "slope": float(layer.negative_slope)}]


@of_layer.register
def only_activation(layer: layers.Activation):
    """Its activation."""
    return activation(layer.activation)


def activation(function):
    """Return the steps of an activation: none if it is linear.

    Raises:
        UserError: the page does not have it.
    """
    name = function.__name__
    if name not in (*ACTIVATIONS, "linear"):
        raise UserError(f"grid explorer: expected one of the activations {', '.join(ACTIVATIONS)}, linear, got {name}")
    return [] if name == "linear" else [{"step": name}]


def convolve(kernel, bias, shape, stride, before):
    """Return the step of a kernel [h, w, in, out] whose output has `shape`; `before`, the zeros around its input."""
    weights = {"kernel": floats(kernel), "size": list(kernel.shape), "bias": floats(bias)}
    return {"step": "convolve", "shape": list(shape), "stride": stride, "before": before, **weights}


def padding_before(layer, large, small):
    """Return the zeros before the first row, as TensorFlow places them, of a convolution from `large` to `small`."""
    total = (small[0] - 1) * layer.strides[0] + layer.kernel_size[0] - large[0]
    return max(total, 0) // 2 if layer.padding == "same" else 0


def scale(factor, offset):
    """Return the step that multiplies each channel by its factor and adds its offset."""
    return {"step": "scale", "factor": floats(factor), "offset": floats(offset)}


def floats(array):
    """Return an array as the base64 text of its little-endian float32 values."""
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()

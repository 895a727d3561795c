"""The networks of the ambient VAE-GAN: encoder, decoder and discriminator for images of three sizes.

Convolutions are 3x3, of stride 2 with "same" padding; batch normalisation and ReLU follow in hidden layers.
Normalisation takes a batch's own moments in training and moving averages after it, so that what becomes
of an image does not depend on those beside it. (The published system takes the batch's always.)
"""

import keras
from keras import layers

from models.networks.narrow import NarrowConv2DTranspose

# standard deviation of the first weights
SPREAD = 0.02


def ambient28(image_shape, latent_dim):
    """The encoder [B, 28, 28, C] → [B, 2·latent_dim] and decoder [B, latent_dim] → [B, 28, 28, C] in [0, 1].

    Source: the published system's for MNIST, of 20 latents.
    """
    encoder = [*convolutions([16, 32, 64]), layers.Flatten(), dense(2 * latent_dim, "posterior")]
    decoder = [*dense_image([7, 7, 32]), *transposed([16])]
    decoder += [convolution(image_shape[2], "output", layers.Conv2DTranspose), layers.Activation("sigmoid")]
    return network("encoder", image_shape, encoder), network("decoder", [latent_dim], decoder)


def ambient32(image_shape, latent_dim):
    """The encoder [B, 32, 32, C] → [B, 2·latent_dim] and decoder [B, latent_dim] → [B, 32, 32, C] in [0, 1].

    Between the two others in depth and width, and like ambient64 inside.
    """
    encoder = [centre(), *convolutions([32, 64, 128]), layers.Flatten()]
    encoder += [*hidden(dense(256, "dense")), dense(2 * latent_dim, "posterior")]
    decoder = [*dense_image([8, 8, 64]), *transposed([32, 32]), *tanh_output(image_shape[2])]
    return network("encoder", image_shape, encoder), network("decoder", [latent_dim], decoder)


def ambient64(image_shape, latent_dim):
    """The encoder [B, 64, 64, C] → [B, 2·latent_dim] and decoder [B, latent_dim] → [B, 64, 64, C] in [0, 1].

    Inside, values are in [-1, 1]. Source: the published system's for CelebA, of 128 latents.
    """
    encoder = [centre(), *convolutions([64, 128, 256]), layers.Flatten()]
    encoder += [*hidden(dense(1024, "dense")), dense(2 * latent_dim, "posterior")]
    decoder = [*dense_image([8, 8, 256]), *transposed([256, 128, 32]), *tanh_output(image_shape[2])]
    return network("encoder", image_shape, encoder), network("decoder", [latent_dim], decoder)


def discriminator28(image_shape):
    """The discriminator [B, 28, 28, C] → features [B, 4, 4, 64], and logit [B, 1]."""
    return discriminator(image_shape, [], [16, 32], 64, [])


def discriminator32(image_shape):
    """The discriminator [B, 32, 32, C] → features [B, 4, 4, 128], and logit [B, 1]."""
    return discriminator(image_shape, [centre()], [32, 64], 128, hidden(dense(128, "dense")))


def discriminator64(image_shape):
    """The discriminator [B, 64, 64, C] → features [B, 4, 4, 256], and logit [B, 1]."""
    return discriminator(image_shape, [centre()], [32, 128, 256], 256, hidden(dense(256, "dense")))


def discriminator(image_shape, before, filters, features, between):
    """The discriminator [B, H, W, C] → linear features [B, h, w, features], and logit [B, 1].

    Args: layers `before` the convolutions of `filters`, and `between` the features and the logit. The
    first convolution is not normalised.
    """
    first, _, relu, *others = convolutions(filters)
    feature_map, *judge = hidden(convolution(features, "features"))
    inputs = keras.Input(image_shape)
    found = chained(inputs, [*before, first, relu, *others, feature_map])
    logit = chained(found, [*judge, layers.Flatten(), *between, dense(1, "logit")])
    return keras.Model(inputs, [found, logit], name="discriminator")


def network(name, shape, parts):
    """The layers `parts` one after the other, on inputs [B, *shape]."""
    return keras.Sequential([keras.Input(shape), *parts], name=name)


def chained(inputs, parts):
    """What the layers `parts`, one after the other, make of symbolic `inputs`."""
    for layer in parts:
        inputs = layer(inputs)
    return inputs


def convolutions(filters):
    """Hidden convolutions of stride 2."""
    return [layer for i, width in enumerate(filters, 1) for layer in hidden(convolution(width, f"conv_{i}"))]


def transposed(filters):
    """Hidden transposed convolutions of stride 2."""
    names = [(width, f"deconv_{i}") for i, width in enumerate(filters, 1)]
    return [layer for width, name in names for layer in hidden(convolution(width, name, layers.Conv2DTranspose))]


def dense_image(shape):
    """A hidden layer whose values are an image of `shape` [h, w, c]."""
    height, width, channels = shape
    return [*hidden(dense(height * width * channels, "dense")), layers.Reshape(shape)]


def hidden(layer):
    """A layer, its normalisation and its activation."""
    return [layer, layers.BatchNormalization(name=f"{layer.name}_norm"), layers.ReLU(name=f"{layer.name}_relu")]


def convolution(filters, name, kind=layers.Conv2D):
    """A 3x3 convolution of stride 2, or a transposed one if that is its `kind`."""
    return kind(filters, 3, strides=2, padding="same", kernel_initializer=first_weights(), name=name)


def dense(units, name):
    """A fully connected layer."""
    return layers.Dense(units, kernel_initializer=first_weights(), name=name)


def first_weights():
    """Draws the first weights; a new one for each layer, for one and the same gives equal weights twice."""
    return keras.initializers.RandomNormal(stddev=SPREAD)


def centre():
    """[0, 1] to [-1, 1]."""
    return layers.Rescaling(2, -1, name="centre")


def tanh_output(channels):
    """The last layers of a decoder that works in [-1, 1]: its images [B, H, W, channels] in [0, 1]."""
    output = NarrowConv2DTranspose(channels, 3, kernel_initializer=first_weights(), activation="tanh", name="output")
    return [output, layers.Rescaling(0.5, 0.5, name="uncentre")]

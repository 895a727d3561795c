"""The networks of the ambient VAE-GAN: encoder, decoder and discriminator for images of three sizes.

Convolutions are 3x3, of stride 2 with "same" padding. Batch normalisation and ReLU follow in hidden layers. In training
the normalisation uses the moments of the batch, afterwards moving averages: then the other images of a batch do not
change a result. (The published system always uses the moments of the batch.)
"""

import keras
from keras import layers

from models.networks.narrow import NarrowConv2DTranspose
from models.networks.normalisation import BatchNormalization

# standard deviation of the first weights
SPREAD = 0.02


def ambient28(image_shape, latent_dim):
    """Return the encoder [B, 28, 28, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → [B, 28, 28, C] in [0, 1].

    Source: the published system's for MNIST, of 20 latents.
    """
    encoder = [*convolutions([16, 32, 64]), layers.Flatten(), dense(2 * latent_dim, "posterior")]
    decoder = [*dense_image([7, 7, 32]), *transposed([16])]
    decoder += [convolution(image_shape[2], "output", layers.Conv2DTranspose), layers.Activation("sigmoid")]
    return network("encoder", image_shape, encoder), network("decoder", [latent_dim], decoder)


def ambient32(image_shape, latent_dim):
    """Return the encoder [B, 32, 32, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → [B, 32, 32, C] in [0, 1].

    Its depth and its width lie between those of the two others. Inside, values are in [-1, 1].
    """
    encoder = [centre(), *convolutions([32, 64, 128]), layers.Flatten()]
    encoder += [*hidden(dense(256, "dense")), dense(2 * latent_dim, "posterior")]
    decoder = [*dense_image([8, 8, 64]), *transposed([32, 32]), *tanh_output(image_shape[2])]
    return network("encoder", image_shape, encoder), network("decoder", [latent_dim], decoder)


def ambient64(image_shape, latent_dim):
    """Return the encoder [B, 64, 64, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → [B, 64, 64, C] in [0, 1].

    Inside, values are in [-1, 1]. Source: the published system's for CelebA, of 128 latents.
    """
    encoder = [centre(), *convolutions([64, 128, 256]), layers.Flatten()]
    encoder += [*hidden(dense(1024, "dense")), dense(2 * latent_dim, "posterior")]
    decoder = [*dense_image([8, 8, 256]), *transposed([256, 128, 32]), *tanh_output(image_shape[2])]
    return network("encoder", image_shape, encoder), network("decoder", [latent_dim], decoder)


def discriminator28(image_shape):
    """Return the discriminator [B, 28, 28, C] → features [B, 4, 4, 64], and logit [B, 1]."""
    return discriminator(image_shape, [], [16, 32], 64, [])


def discriminator32(image_shape):
    """Return the discriminator [B, 32, 32, C] → features [B, 4, 4, 128], and logit [B, 1]."""
    return discriminator(image_shape, [centre()], [32, 64], 128, hidden(dense(128, "dense")))


def discriminator64(image_shape):
    """Return the discriminator [B, 64, 64, C] → features [B, 4, 4, 256], and logit [B, 1]."""
    return discriminator(image_shape, [centre()], [32, 128, 256], 256, hidden(dense(256, "dense")))


def discriminator(image_shape, before, filters, features, between):
    """Return the discriminator [B, H, W, C] → linear features [B, h, w, features], and logit [B, 1].

    Args: layers `before` the convolutions of `filters`, and layers `between` the features and the logit. No
    normalisation follows the first convolution.
    """
    first, _, relu, *others = convolutions(filters)
    feature_map, *judge = hidden(convolution(features, "features"))
    inputs = keras.Input(image_shape)
    found = chained(inputs, [*before, first, relu, *others, feature_map])
    logit = chained(found, [*judge, layers.Flatten(), *between, dense(1, "logit")])
    return keras.Model(inputs, [found, logit], name="discriminator")


def network(name, shape, parts):
    """Return the layers `parts` in sequence, on inputs [B, *shape]."""
    return keras.Sequential([keras.Input(shape), *parts], name=name)


def chained(inputs, parts):
    """Return the output of the layers `parts` in sequence for symbolic `inputs`."""
    for layer in parts:
        inputs = layer(inputs)
    return inputs


def convolutions(filters):
    """Return hidden convolutions of stride 2."""
    return [layer for i, width in enumerate(filters, 1) for layer in hidden(convolution(width, f"conv_{i}"))]


def transposed(filters):
    """Return hidden transposed convolutions of stride 2."""
    names = [(width, f"deconv_{i}") for i, width in enumerate(filters, 1)]
    return [layer for width, name in names for layer in hidden(convolution(width, name, layers.Conv2DTranspose))]


def dense_image(shape):
    """Return a hidden layer whose output is reshaped to `shape` [h, w, c]."""
    height, width, channels = shape
    return [*hidden(dense(height * width * channels, "dense")), layers.Reshape(shape)]


def hidden(layer):
    """Return a layer, its normalisation and its activation."""
    return [layer, BatchNormalization(name=f"{layer.name}_norm"), layers.ReLU(name=f"{layer.name}_relu")]


def convolution(filters, name, kind=layers.Conv2D):
    """Return a 3x3 convolution of stride 2, of the class `kind`."""
    return kind(filters, 3, strides=2, padding="same", kernel_initializer=first_weights(), name=name)


def dense(units, name):
    """Return a fully connected layer."""
    return layers.Dense(units, kernel_initializer=first_weights(), name=name)


def first_weights():
    """Return an initializer of weights; each layer needs its own, because the same one gives the same weights."""
    return keras.initializers.RandomNormal(stddev=SPREAD)


def centre():
    """Return the layer from [0, 1] to [-1, 1]."""
    return layers.Rescaling(2, -1, name="centre")


def tanh_output(channels):
    """Return the last layers of a decoder that works in [-1, 1]; their output [B, H, W, channels] is in [0, 1]."""
    output = NarrowConv2DTranspose(channels, 3, kernel_initializer=first_weights(), activation="tanh", name="output")
    return [output, layers.Rescaling(0.5, 0.5, name="uncentre")]

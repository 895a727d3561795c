"""Networks for square images: convolutions of stride 2, mirrored in the decoder."""

import keras
from keras import layers

from models.networks.narrow import NarrowConv2DTranspose
from models.networks.normalisation import BatchNormalization


def conv(image_shape, latent_dim):
    """Return the encoder [B, S, S, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → [B, S, S, C], linear.

    S is a multiple of 16, from 32 on. Blocks halve the side as long as it is even and at least 8, and their filters
    double from 32 to 256. So 32 pixels have blocks of 32, 64 and 128 filters, and 4x4x128 values between them and
    the latents; 64 pixels have 32, 64, 128, 256 and 4x4x256 values.
    """
    side, filters = image_shape[0], []
    while side % 2 == 0 and side >= 8:
        side, filters = side // 2, [*filters, min(256, 32 * 2 ** len(filters))]
    return strided(image_shape, latent_dim, filters)


def strided(image_shape, latent_dim, filters):
    """Return the encoder with a 3x3 convolution of stride 2 for each of `filters`, and the mirrored decoder, linear."""
    side = image_shape[0] // 2 ** len(filters)
    encoder = [keras.Input(image_shape)]
    for i, width in enumerate(filters, 1):
        encoder += [halving(layers.Conv2D, width, f"conv_{i}"), layers.ReLU(name=f"relu_{i}")]
    encoder += [layers.Flatten(), layers.Dense(2 * latent_dim, name="posterior")]
    decoder = [keras.Input([latent_dim]), layers.Dense(side * side * filters[-1], name="dense")]
    decoder += [layers.ReLU(name="relu_0"), layers.Reshape([side, side, filters[-1]])]
    for i, width in enumerate(filters[::-1], 1):
        decoder += [halving(layers.Conv2DTranspose, width, f"deconv_{i}"), layers.ReLU(name=f"relu_{i}")]
    decoder.append(NarrowConv2DTranspose(image_shape[2], 3, name="output"))
    return keras.Sequential(encoder, name="encoder"), keras.Sequential(decoder, name="decoder")


def author256(image_shape, latent_dim):
    """Return the encoder [B, 256, 256, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → images in [0, 1].

    Blocks of 32, 64, 64, 64 and 64 filters; 8x8x64 values between them and the latents. For three channels and 200
    latents the decoder has 954,307 parameters. Source: the author's second model.
    """
    return normalised(image_shape, latent_dim, [32, 64, 64, 64, 64])


def normalised(image_shape, latent_dim, filters):
    """Return the encoder with a block of stride 2 for each of `filters`, and the decoder that mirrors it.

    A block is a 3x3 convolution, batch normalisation and leaky ReLU. The last one of the decoder is a convolution to
    the image and a sigmoid.
    """
    side = image_shape[0] // 2 ** len(filters)
    encoder = [keras.Input(image_shape)]
    for i, width in enumerate(filters, 1):
        encoder += [halving(layers.Conv2D, width, f"conv_{i}"), *normalisation(i)]
    encoder += [layers.Flatten(), layers.Dense(2 * latent_dim, name="posterior")]
    decoder = [keras.Input([latent_dim]), layers.Dense(side * side * filters[-1], name="dense")]
    decoder.append(layers.Reshape([side, side, filters[-1]]))
    for i, width in enumerate(filters[-2::-1], 1):
        decoder += [halving(layers.Conv2DTranspose, width, f"deconv_{i}"), *normalisation(i)]
    decoder.append(halving(layers.Conv2DTranspose, image_shape[2], "output", activation="sigmoid"))
    return keras.Sequential(encoder, name="encoder"), keras.Sequential(decoder, name="decoder")


def halving(kind, filters, name, **options):
    """Return a 3x3 convolution of stride 2 and "same" padding, of the class `kind`."""
    return kind(filters, 3, strides=2, padding="same", name=name, **options)


def normalisation(i):
    """Return the layers after the convolution `i` of a block."""
    return [BatchNormalization(name=f"norm_{i}"), layers.LeakyReLU(name=f"relu_{i}")]

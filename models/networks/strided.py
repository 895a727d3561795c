"""Networks for square images with a power of two as side: convolutions of stride 2, mirrored in the decoder."""

import keras
from keras import layers

from models.networks.narrow import NarrowConv2DTranspose
from models.networks.normalisation import BatchNormalization


def conv32(image_shape, latent_dim):
    """Return the encoder [B, 32, 32, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → [B, 32, 32, C], linear.

    Three blocks of 32, 64 and 128 filters; 4x4x128 values between them and the latents.
    """
    return strided(image_shape, latent_dim, [32, 64, 128])


def conv64(image_shape, latent_dim):
    """Return the encoder [B, 64, 64, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → [B, 64, 64, C], linear.

    Four blocks of 32, 64, 128 and 256 filters; 4x4x256 values between them and the latents.
    """
    return strided(image_shape, latent_dim, [32, 64, 128, 256])


def conv256(image_shape, latent_dim):
    """Return the encoder [B, 256, 256, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → images in [0, 1].

    Five blocks of 32, 64, 64, 64 and 64 filters with batch normalisation and leaky ReLU; 8x8x64 values between them
    and the latents. The output is a sigmoid: it is the image. It is close to the author's second model, which has
    200 latents, but not equal to it.
    """
    return strided(image_shape, latent_dim, [32, 64, 64, 64, 64], normalised=True, output="sigmoid")


def strided(image_shape, latent_dim, filters, normalised=False, output="linear"):
    """Return the encoder with a 3x3 convolution of stride 2 for each of `filters`, and the mirrored decoder.

    Args: `normalised`, whether batch normalisation and leaky ReLU follow a convolution instead of ReLU; `output`, the
    activation of the decoder's last convolution, which has stride 1.
    """
    side = image_shape[0] // 2 ** len(filters)
    smallest = [side, side, filters[-1]]
    encoder = [keras.Input(image_shape)]
    for i, width in enumerate(filters, 1):
        encoder.append(layers.Conv2D(width, 3, strides=2, padding="same", name=f"conv_{i}"))
        encoder += activation(i, normalised)
    encoder += [layers.Flatten(), layers.Dense(2 * latent_dim, name="posterior")]
    decoder = [keras.Input([latent_dim]), layers.Dense(side * side * filters[-1], name="dense")]
    decoder += [*activation(0, normalised), layers.Reshape(smallest)]
    for i, width in enumerate(filters[::-1], 1):
        decoder.append(layers.Conv2DTranspose(width, 3, strides=2, padding="same", name=f"deconv_{i}"))
        decoder += activation(i, normalised)
    decoder.append(NarrowConv2DTranspose(image_shape[2], 3, activation=output, name="output"))
    return keras.Sequential(encoder, name="encoder"), keras.Sequential(decoder, name="decoder")


def activation(i, normalised):
    """Return the layers after the convolution `i`."""
    if not normalised:
        return [layers.ReLU(name=f"relu_{i}")]
    return [BatchNormalization(name=f"norm_{i}"), layers.LeakyReLU(name=f"relu_{i}")]

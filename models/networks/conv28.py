"""The paper's networks for 28x28 images: two convolutions, and three transposed convolutions."""

import keras
from keras import layers

from models.networks.narrow import NarrowConv2DTranspose


def conv28(image_shape, latent_dim):
    """Return the encoder [B, 28, 28, C] → [B, 2·latent_dim] and the decoder [B, latent_dim] → [B, 28, 28, C].

    The encoder gives z_mean and z_log_var side by side. The decoder's output is linear. For one channel and two
    latents they have 69,989 parameters. Source: the author's released model.
    """
    encoder = keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Conv2D(32, 3, strides=2, activation="relu", name="conv_1"),
            layers.Conv2D(64, 3, strides=2, activation="relu", name="conv_2"),
            layers.Flatten(),
            layers.Dense(2 * latent_dim, name="posterior"),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input([latent_dim]),
            layers.Dense(7 * 7 * 32, activation="relu", name="dense"),
            layers.Reshape([7, 7, 32]),
            layers.Conv2DTranspose(64, 3, strides=2, padding="same", activation="relu", name="deconv_1"),
            layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu", name="deconv_2"),
            NarrowConv2DTranspose(image_shape[2], 3, padding="same", name="deconv_3"),
        ],
        name="decoder",
    )
    return encoder, decoder

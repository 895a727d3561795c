"""The architectures by name. Adding one is a function that returns an encoder and a decoder, and its line here.

Where a run names none, it has the first that is for its model and the size of its images.
"""

from collections.abc import Callable
from typing import NamedTuple

from models.networks.ambient import (
    ambient28,
    ambient32,
    ambient64,
    discriminator28,
    discriminator32,
    discriminator64,
)
from models.networks.conv28 import conv28
from models.networks.strided import author256, conv


class Architecture(NamedTuple):
    """The networks for images of one size.

    `output` is "linear" (the loss may take it for the image or for logits of it) or "bounded" (it is the image, in
    [0, 1]). A `centred` pair works in [-1, 1], so a measurement drops a pixel to grey and not to black.
    """

    networks: Callable  # (image_shape, latent_dim) → encoder, decoder
    size: int  # side of the images, in pixels
    output: str = "linear"
    discriminator: Callable | None = None  # image_shape → discriminator; ambient_vae_gan needs one
    centred: bool = False


ARCHITECTURES = {
    "conv28": Architecture(conv28, 28),
    "conv32": Architecture(conv, 32),
    "conv48": Architecture(conv, 48),
    "conv64": Architecture(conv, 64),
    "conv80": Architecture(conv, 80),
    "conv96": Architecture(conv, 96),
    "conv112": Architecture(conv, 112),
    "conv128": Architecture(conv, 128),
    "conv144": Architecture(conv, 144),
    "conv160": Architecture(conv, 160),
    "conv176": Architecture(conv, 176),
    "conv192": Architecture(conv, 192),
    "conv208": Architecture(conv, 208),
    "conv224": Architecture(conv, 224),
    "conv240": Architecture(conv, 240),
    "conv256": Architecture(conv, 256),
    "author256": Architecture(author256, 256, output="bounded"),
    "ambient28": Architecture(ambient28, 28, output="bounded", discriminator=discriminator28),
    "ambient32": Architecture(ambient32, 32, output="bounded", discriminator=discriminator32, centred=True),
    "ambient64": Architecture(ambient64, 64, output="bounded", discriminator=discriminator64, centred=True),
}

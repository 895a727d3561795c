"""Models by architecture. Adding an architecture is a function and its line in ARCHITECTURES and in SIZES."""

import losses
from config.errors import UserError
from models.conv28 import conv28
from models.strided import conv32, conv64, conv256
from models.vae import VAE

ARCHITECTURES = {"conv28": conv28, "conv32": conv32, "conv64": conv64, "conv256": conv256}
# the images each is for, pixels a side
SIZES = {"conv28": 28, "conv32": 32, "conv64": 64, "conv256": 256}
# those whose decoder ends in a sigmoid: its output is the image, never a logit
BOUNDED = {"conv256"}


def build(config, image_shape):
    """The model that `config` describes, for images of `image_shape` [H, W, C].

    Raises:
        UserError: the architecture or the loss is unknown or does not fit the images.
    """
    require_fit(config.architecture, config.loss, image_shape)
    encoder, decoder = ARCHITECTURES[config.architecture](image_shape, config.latent_dim)
    hyperparameters = {name: getattr(config, name) for name in losses.HYPERPARAMETERS}
    return VAE(
        encoder,
        decoder,
        losses.build(config.loss, **hyperparameters),
        beta=config.beta,
        output_space=losses.output_space(config.loss),
        seed=config.seed,
    )


def require_fit(architecture, loss, image_shape):
    """Check that an architecture is one for images of `image_shape` [H, W, C] and for the output that a loss takes.

    Raises:
        UserError: it is not; the architecture for such images, if there is one, is named.
    """
    if architecture not in ARCHITECTURES:
        raise UserError(f"architecture: expected one of {', '.join(ARCHITECTURES)}, got {architecture!r}")
    height, width = image_shape[:2]
    size = SIZES[architecture]
    if (height, width) != (size, size):
        fitting = [name for name, side in SIZES.items() if (height, width) == (side, side)]
        hint = f"; --architecture={fitting[0]} is for those" if fitting else ""
        raise UserError(
            f"architecture {architecture}: expected images of {size}x{size} pixels, got {height}x{width}{hint}"
        )
    if architecture in BOUNDED and losses.output_space(loss) == "logits":
        raise UserError(f"loss: expected one that takes images, as {architecture} puts out, got {loss}, of logits")

"""Models by architecture. Adding an architecture is a function and its line in ARCHITECTURES."""

import losses
from config.errors import UserError
from models.conv28 import conv28
from models.vae import VAE

ARCHITECTURES = {"conv28": conv28}


def build(config, image_shape):
    """The model that `config` describes, for images of `image_shape` [H, W, C].

    Raises:
        UserError: the architecture or the loss is unknown or does not fit the images.
    """
    if config.architecture not in ARCHITECTURES:
        raise UserError(f"architecture: expected one of {', '.join(ARCHITECTURES)}, got {config.architecture!r}")
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

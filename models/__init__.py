"""Models and architectures by name. Adding one is a class or function and its line in MODELS or ARCHITECTURES."""

import losses
from config.errors import UserError
from models.blur_error_vae import BlurErrorVAE, kernel_network
from models.conv28 import conv28
from models.vae import VAE

ARCHITECTURES = {"conv28": conv28}

# name: from the configuration and its encoder and decoder, the model
MODELS = {
    "vae": lambda c, encoder, decoder: VAE(
        encoder,
        decoder,
        losses.build(c.loss, **{name: getattr(c, name) for name in losses.HYPERPARAMETERS}),
        beta=c.beta,
        output_space=losses.output_space(c.loss),
        seed=c.seed,
    ),
    "blur_error_vae": lambda c, encoder, decoder: BlurErrorVAE(
        encoder,
        decoder,
        kernel_network(c.latent_dim, c.kernel_size, encoder.input_shape[1:]),
        blur_start_step=c.blur_start_epoch * -(-c.train_size // c.batch_size),
        wiener_constant=c.wiener_constant,
        determinant_eps=c.determinant_eps,
        variance=c.variance,
        kernel_gradient=c.kernel_gradient,
        beta=c.beta,
        seed=c.seed,
    ),
}


def build(config, image_shape):
    """The model that `config` describes, for images of `image_shape` [H, W, C].

    Raises:
        UserError: the architecture, the loss or the kernel is unknown or does not fit the images.
    """
    if config.architecture not in ARCHITECTURES:
        raise UserError(f"architecture: expected one of {', '.join(ARCHITECTURES)}, got {config.architecture!r}")
    return MODELS[config.model](config, *ARCHITECTURES[config.architecture](image_shape, config.latent_dim))

"""Models and architectures by name.

Adding a model is a class and its line in MODELS, and its name in the choices of config/schema.py. An
architecture is a function and its line in ARCHITECTURES and in SIZES; one for ambient_vae_gan has a line in
DISCRIMINATORS too, one whose output is bounded, or around grey, its name in BOUNDED or CENTRED.
"""

import contextlib

import numpy as np

import losses
import measurements
from config.system.errors import UserError
from models.ambient_networks import ambient28, ambient32, ambient64, discriminator28, discriminator32, discriminator64
from models.ambient_vae_gan import AmbientVAEGAN
from models.blur_error_vae import BlurErrorVAE, kernel_network
from models.conv28 import conv28
from models.strided import conv32, conv64, conv256
from models.vae import VAE

ARCHITECTURES = {"conv28": conv28, "conv32": conv32, "conv64": conv64, "conv256": conv256}
ARCHITECTURES |= {"ambient28": ambient28, "ambient32": ambient32, "ambient64": ambient64}
DISCRIMINATORS = {"ambient28": discriminator28, "ambient32": discriminator32, "ambient64": discriminator64}
# the images each is for, pixels a side
SIZES = {"conv28": 28, "conv32": 32, "conv64": 64, "conv256": 256, "ambient28": 28, "ambient32": 32, "ambient64": 64}
# those whose decoder ends in a sigmoid or the like: its output is the image, never a logit
BOUNDED = {"conv256", *DISCRIMINATORS}
# those that work in [-1, 1], where an image is measured around grey
CENTRED = {"ambient32", "ambient64"}

# name: from the configuration and its encoder and decoder, the model
MODELS = {
    "vae": lambda c, encoder, decoder: VAE(
        encoder,
        decoder,
        losses.build(c.loss, **{name: getattr(c, name) for name in losses.hyperparameters(c.loss) if hasattr(c, name)}),
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
    "ambient_vae_gan": lambda c, encoder, decoder: AmbientVAEGAN(
        encoder,
        decoder,
        DISCRIMINATORS[c.architecture](encoder.input_shape[1:]),
        measurement=measurement(c),
        supervised=bool(c.supervised),
        alpha=c.alpha,
        feature_weight=c.feature_weight,
        gamma=c.gamma,
        pixel_side=c.pixel_side,
        rec_reduction=c.rec_reduction,
        beta=c.beta,
        seed=c.seed,
    ),
}


@contextlib.contextmanager
def told_to_the_user():
    """Turn a ValueError of the losses, which know no other, into a UserError."""
    try:
        yield
    except ValueError as error:
        raise UserError(f"{error}") from error


@told_to_the_user()
def build(config, image_shape):
    """The model that `config` describes, for images of `image_shape` [H, W, C].

    Raises:
        UserError: the architecture, the loss or the kernel is unknown or does not fit the images.
    """
    require_fit(config, image_shape)
    return MODELS[config.model](config, *ARCHITECTURES[config.architecture](image_shape, config.latent_dim))


def measurement(config):
    """The measurement that `config` describes, of images in [0, 1] as its architecture sees them."""
    parameters = {name: getattr(config, f"measurement_{name}") for name in measurements.PARAMETERS}
    found = measurements.build(config.measurement, **parameters)
    return measurements.Centred(found) if config.architecture in CENTRED else found


@told_to_the_user()
def require_fit(config, image_shape):
    """Check that the architecture is one for images of `image_shape` [H, W, C] and for the output that the loss takes.

    Raises:
        UserError: it is not; the architecture for such images, if there is one, is named.
    """
    architecture = config.architecture
    choices = DISCRIMINATORS if config.model == "ambient_vae_gan" else ARCHITECTURES
    if architecture not in choices:
        raise UserError(
            f"architecture: expected one of {', '.join(choices)} for model {config.model}, got {architecture!r}"
        )
    height, width = image_shape[:2]
    size = SIZES[architecture]
    if (height, width) != (size, size):
        fitting = [name for name in choices if (height, width) == (SIZES[name], SIZES[name])]
        hint = f"; --architecture={fitting[0]} is for those" if fitting else ""
        raise UserError(
            f"architecture {architecture}: expected images of {size}x{size} pixels, got {height}x{width}{hint}"
        )
    if architecture in BOUNDED and config.model == "vae" and losses.output_space(config.loss) == "logits":
        raise UserError(
            f"loss: expected one that takes images, as {architecture} puts out, got {config.loss}, of logits"
        )
    if config.model == "ambient_vae_gan":
        require_measurable(config, image_shape)


def require_measurable(config, image_shape):
    """Check that images of `image_shape` [H, W, C] can be measured, and compared on the side that `config` names.

    Raises:
        UserError: a measurement's parameter does not fit, or its θ cannot be summed out.
    """
    found, black = measurement(config), np.zeros([1, *image_shape], np.float32)
    found(black, [0, 0])
    if config.pixel_side == "marginal":
        if not config.alpha:
            raise UserError("alpha: expected more than 0 with pixel_side marginal, got 0")
        found.marginal_error(black, black, config.alpha)

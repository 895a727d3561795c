"""Models by name. Adding one is a class and its line in MODELS.

An architecture is a function and its line in models/architectures.py.
"""

import inspect
from dataclasses import replace

import numpy as np

import config.system.quiet  # noqa: F401  before losses imports TensorFlow
import losses
import measurements
from config.system.errors import UserError
from models.ambient_vae_gan import AmbientVAEGAN
from models.architectures import ARCHITECTURES
from models.blur_error_vae import BlurErrorVAE
from models.latent import LatentModel
from models.precision import networks_of
from models.vae import VAE

MODELS = {"vae": VAE, "blur_error_vae": BlurErrorVAE, "ambient_vae_gan": AmbientVAEGAN}


def build(settings, image_shape):
    """Return the model that `settings` describe, for images of `image_shape` [H, W, C].

    An argument of its constructor that has the name of a key is the value of that key.

    Raises:
        UserError: the architecture, the loss, the measurement or the kernel does not fit the images.
    """
    settings = complete(settings, image_shape)
    require_fit(settings, image_shape)
    model = MODELS[settings.model]
    lineage = model.__mro__[: model.__mro__.index(LatentModel) + 1]
    names = {name for one in lineage for name in inspect.signature(one.__init__).parameters}
    arguments = {name: value for name, value in vars(settings).items() if name in names}
    with networks_of(settings.precision):
        encoder, decoder = ARCHITECTURES[settings.architecture].networks(image_shape, settings.latent_dim)
        arguments |= {"measurement": measurement(settings), **model.parts(settings, image_shape)}
    built = model(encoder, decoder, **arguments)
    built.build(encoder.input_shape)
    return built


def complete(settings, image_shape):
    """Return `settings` with the architecture for its model and images of `image_shape` [H, W, C], where it is `auto`.

    Raises:
        UserError: no architecture is for them.
    """
    if settings.architecture != "auto":
        return settings
    if fitting := fitting_architectures(settings.model, image_shape):
        return replace(settings, architecture=fitting[0])
    sizes = ", ".join(dict.fromkeys(str(one.size) for one in architectures(settings.model).values()))
    height, width, _ = image_shape
    raise UserError(f"architecture: expected square images of {sizes} pixels a side, got {height}x{width}")


def architectures(model):
    """Return the architectures that the model of this name can have, by name."""
    needs_discriminator = model == "ambient_vae_gan"
    return {name: one for name, one in ARCHITECTURES.items() if one.discriminator or not needs_discriminator}


def fitting_architectures(model, image_shape):
    """Return the names of the architectures of a model for images of `image_shape` [H, W, C]."""
    height, width, _ = image_shape
    return [name for name, one in architectures(model).items() if height == width == one.size]


def measurement(settings):
    """Return the measurement that `settings` describe, of images in [0, 1]."""
    parameters = {
        name: getattr(settings, f"measurement_{name}") for name in measurements.parameters(settings.measurement)
    }
    found = measurements.build(settings.measurement, **parameters)
    return measurements.Centred(found) if ARCHITECTURES[settings.architecture].centred else found


def require_fit(settings, image_shape):
    """Check that the model of `settings` can be built for images of `image_shape` [H, W, C].

    Raises:
        UserError: it cannot. Where an architecture exists for such images, the message names it.
    """
    settings = complete(settings, image_shape)
    require_architecture(settings, image_shape)
    black = np.zeros([1, *image_shape], np.float32)
    try:
        if settings.model == "vae":
            require_output(settings)
            VAE.parts(settings, image_shape)["reconstruction_loss"].call(black, black)
        found = measurement(settings)
        found(black, [0, 0])
    except ValueError as error:
        raise UserError(str(error)) from error
    if settings.pixel_side == "marginal":
        require_marginal(settings, found, black)


def require_marginal(settings, measurement, image):
    """Check that the θ of a measurement can be summed out, as pixel_side marginal does.

    Raises:
        UserError: it cannot, or alpha, the precision, is 0.
    """
    if not settings.alpha:
        raise UserError("alpha: expected more than 0 with pixel_side marginal, got 0")
    try:
        measurement.marginal_error(image, image, settings.alpha)
    except ValueError as error:
        raise UserError(f"pixel_side: expected measured or unmeasured, got marginal; {error}") from error


def require_architecture(settings, image_shape):
    """Check that the architecture is one for the model and for images of `image_shape` [H, W, C].

    Raises:
        UserError: it is not. Where an architecture exists for such images, the message names it.
    """
    choices = architectures(settings.model)
    if settings.architecture not in choices:
        raise UserError(
            f"architecture: expected one of {', '.join(choices)} for model {settings.model}, "
            f"got {settings.architecture!r}"
        )
    height, width, _ = image_shape
    size = choices[settings.architecture].size
    if (height, width) != (size, size):
        fitting = fitting_architectures(settings.model, image_shape)
        hint = f"; --architecture={fitting[0]} is for those" if fitting else ""
        raise UserError(
            f"architecture {settings.architecture}: expected images of {size}x{size} pixels, got {height}x{width}{hint}"
        )


def require_output(settings):
    """Check that the output of the decoder is what the loss takes.

    Raises:
        UserError: the loss takes logits, and the output is an image.
    """
    if ARCHITECTURES[settings.architecture].output == "bounded" and losses.output_space(settings.loss) == "logits":
        raise UserError(
            f"loss: expected one that takes images, which {settings.architecture} puts out, "
            f"got {settings.loss}, which takes logits"
        )

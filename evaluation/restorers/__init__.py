"""What restores measured images. A restorer is a function(measured, theta) of images [N, H, W, C] in [0, 1].

It returns images of the same shape and range. Only filters look at θ, the parameters of the damage.
"""

import numpy as np
import tensorflow as tf

from evaluation.metrics.display import parts
from evaluation.restorers import acsg, filters


def restorers(ambient, supervised=None):
    """Return all restorers for what the model `ambient` was trained on, by name.

    Args: `ambient`, an AmbientVAEGAN; `supervised`, the same trained on clean images too, if there is one.
    """
    found = {
        "ambient_vae_gan": in_one_pass(ambient),
        "supervised": supervised and in_one_pass(supervised),
        "acsg": acsg.restorer(ambient),
        "acsg_pixels": acsg.restorer(ambient, of=acsg.pixels),
        "non_learned": filters.restorer(ambient.measurement),
    }
    return {name: restore for name, restore in found.items() if restore}


def in_one_pass(model):
    """Return the restorer that decodes the posterior mean of `model`."""
    reconstruct = tf.function(model.reconstruct, [tf.TensorSpec([None, *model.image_shape])], autograph=False)
    return lambda measured, theta: np.concatenate([reconstruct(measured[i]) for i in parts(measured)])

"""The explorer: one HTML page in which models of digits encode and decode, without a server.

`page` fills page.html. In it network.js runs the networks, digit.js prepares and scores a drawn digit, and page.js
answers the pointer.
"""

import json
import string
from pathlib import Path

import numpy as np

import data
from config.system.errors import UserError
from evaluation.explorer.layers import floats, steps
from evaluation.markdown import display_name
from evaluation.metrics.blur import SIGMAS

FOLDER = Path(__file__).parent
# images that are dots of the plane, those of them that the page offers to reconstruct, and latents with a slider
NUM_POINTS, NUM_EXAMPLES, MOST_SLIDERS = 2000, 10, 10
# share of the dots that are inside the plane
INSIDE = 0.95


def page(models):
    """Return the HTML page of `models`, name → (model, Settings), as bytes.

    Raises:
        UserError: a model is not one of grey images of 28 pixels that was trained on digits.
    """
    for name, (model, settings) in models.items():
        require_digits(name, model.image_shape, settings.dataset)
    images, labels, *_ = data.load("mnist", "test")
    images, labels = images[:NUM_POINTS].astype(np.float32) / 255, labels[:NUM_POINTS]
    content = {
        "models": [described(name, model, settings, images) for name, (model, settings) in models.items()],
        "labels": [int(label) for label in labels],
        "examples": [floats(images[labels == digit][0]) for digit in range(NUM_EXAMPLES)],
        "sigmas": SIGMAS.tolist(),
    }
    parts = {path.name.replace(".", "_"): path.read_text(encoding="utf-8") for path in FOLDER.glob("*.[jc]s*")}
    template = string.Template((FOLDER / "page.html").read_text(encoding="utf-8"))
    return template.substitute(parts, content=json.dumps(content).replace("<", "\\u003c")).encode()


def require_digits(name, image_shape, dataset):
    """Check that a model is one of digits.

    Raises:
        UserError: it is for other images.
    """
    if image_shape != (28, 28, 1) or dataset not in ("mnist", "mnist-gray"):
        found = "x".join(map(str, image_shape))
        raise UserError(f"grid explorer: expected models of mnist or mnist-gray, got {name}, of {dataset}, {found}")


def described(name, model, settings, images):
    """Return what the page knows of a model: its networks, and where it puts `images` [N, 28, 28, 1]."""
    z_mean, z_log_var = map(np.asarray, model.encode(images))
    order = by_kl(z_mean, z_log_var)
    plane = z_mean[:, order[:2]]
    output = [] if model.output_space == "linear" else [{"step": "sigmoid"}]
    return {
        "name": name,
        "title": display_name(name),
        "latents": order[:MOST_SLIDERS],
        "latentDim": model.latent_dim,
        "isBinary": settings.dataset == "mnist",
        "reach": float(np.quantile(abs(plane).max(1), INSIDE)),
        "points": floats(plane),
        "encoder": steps(model.encoder),
        "decoder": steps(model.decoder) + output,
    }


def by_kl(z_mean, z_log_var):
    """Return the latents by mean KL divergence, largest first; the first two, which span the plane, in their order."""
    kl = 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var).mean(0)
    order = [int(latent) for latent in np.argsort(-kl)]
    return sorted(order[:2]) + order[2:]

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
        UserError: a model is not one of digits, has one latent, or has a layer that the page cannot compute.
    """
    for name, (model, settings) in models.items():
        require_digits(name, model, settings.dataset)
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


def require_digits(name, model, dataset):
    """Check that a model is one of digits and has a plane.

    Raises:
        UserError: it is for other images, or has one latent.
    """
    if model.image_shape != (28, 28, 1) or dataset not in ("mnist", "mnist-gray"):
        found = "x".join(map(str, model.image_shape))
        raise UserError(f"grid explorer: expected models of mnist or mnist-gray, got {name}, of {dataset}, {found}")
    if model.latent_dim < 2:
        raise UserError(f"grid explorer: expected models of two latents or more, got {name}, of one")


def described(name, model, settings, images):
    """Return what the page knows of a model: its networks, and where it puts `images` [N, 28, 28, 1]."""
    by_kl = model.latents_by_kl(images)
    # the two of the plane stand in their own order
    order = sorted(by_kl[:2]) + by_kl[2:MOST_SLIDERS]
    plane = model.encode(images)[0].numpy()[:, order[:2]]
    output = [] if model.output_space == "linear" else [{"step": "sigmoid"}]
    return {
        "name": name,
        "title": display_name(name),
        "latents": order,
        "latentDim": model.latent_dim,
        "isBinary": settings.dataset == "mnist",
        "reach": float(np.quantile(abs(plane).max(1), INSIDE)),
        "points": floats(plane),
        "encoder": steps(model.encoder),
        "decoder": steps(model.decoder) + output,
    }

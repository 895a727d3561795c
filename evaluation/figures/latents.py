"""The latent plane of each model that has one: where the test digits are, and what is decoded there."""

import numpy as np
from matplotlib import colormaps, patheffects
from matplotlib.patches import Circle
from scipy.spatial import cKDTree

from evaluation import grids
from evaluation.figures.style import panels
from evaluation.metrics.display import as_displayed

NUM_PER_CLASS = 70
NUM_NEIGHBOURS = 25
SIDE = 14
# the place of each class in the scale of shades. Classes that are often neighbours are far apart
SHADES = (2, 7, 3, 0, 1, 8, 6, 5, 4, 9)
PRIOR_RADIUS = np.sqrt(-2 * np.log(0.1))  # 90 % of a normal plane is within it


def with_plane(material):
    """Return the models whose latent space is a plane, by name."""
    return {name: model for name, model in material.models.items() if model.latent_dim == 2}


def planes(material):
    """Show the posterior means of test digits in every latent plane, each as its class. None if there is no plane.

    The dashed circle holds 90 % of the prior. A large digit stands where its class is least mixed with others.
    """
    if not (models := with_plane(material)):
        return None
    chosen = np.concatenate([np.flatnonzero(material.labels == label)[:NUM_PER_CLASS] for label in range(10)])
    images, labels = as_displayed(material.images[chosen]), material.labels[chosen]
    figure, axes = panels(list(models), 2.45)
    for name, axis in axes.items():
        show_plane(axis, np.asarray(models[name].encode(images)[0]), labels)
    text = "posterior means of test digits; dashed circle: 90 % of the prior; a few digits are outside the panel"
    figure.supxlabel(text, size=8)
    return figure


def show_plane(axis, z, labels):
    """Show points z [N, 2] as the digits `labels` [N], and a large digit for each class."""
    shades = colormaps["plasma"](np.linspace(0, 0.85, 10))[list(SHADES)]
    reach = 1.05 * max(PRIOR_RADIUS, np.quantile(abs(z).max(1), 0.9))
    inside = abs(z).max(1) < 0.9 * reach
    for label, shade in enumerate(shades):
        axis.scatter(*z[labels == label].T, marker=f"${label}$", s=11, color=shade, linewidths=0)
    for label, place in purest(z[inside], labels[inside]).items():
        halo = [patheffects.withStroke(linewidth=3, foreground="white")]
        text = {"size": 15, "weight": "bold", "ha": "center", "va": "center", "path_effects": halo}
        axis.text(*place, str(label), color=shades[label], **text)
    axis.add_patch(Circle((0, 0), PRIOR_RADIUS, fill=False, linestyle="--", color="0.4"))
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axis.tick_params(labelsize=7)


def purest(z, labels):
    """Return for each class its point of z [N, 2] that has most of the same class among its NUM_NEIGHBOURS nearest."""
    _, neighbours = cKDTree(z).query(z, NUM_NEIGHBOURS)
    purity = (labels[neighbours] == labels[:, None]).mean(1)
    return {int(label): z[np.where(labels == label, purity, -1).argmax()] for label in np.unique(labels)}


def manifolds(material):
    """Show what each model decodes over its latent plane, at a square grid of the prior's quantiles.

    None if there is no plane.
    """
    if not (models := with_plane(material)):
        return None
    figure, axes = panels(list(models), 2.55)
    for name, axis in axes.items():
        grid = grids.grid(np.asarray(models[name].manifold(SIDE**2)))
        axis.imshow(grid.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        axis.set(xticks=[], yticks=[])
    return figure

"""The latent plane of every loss that has one: where the test digits are, and what is decoded there."""

import numpy as np
from matplotlib import colormaps, patheffects
from matplotlib.patches import Circle
from scipy.spatial import cKDTree

from evaluation import grids
from evaluation.figures.style import panels
from evaluation.metrics.display import drawn

A_CLASS = 70
NEIGHBOURS = 25
SIDE = 14
# the place of each class in the scale of shades: classes that are often neighbours are far apart
SHADES = (2, 7, 3, 0, 1, 8, 6, 5, 4, 9)
PRIOR_RADIUS = np.sqrt(-2 * np.log(0.1))  # 90 % of a normal plane is within it


def of_a_plane(material):
    """The models by the name of their loss whose latent space is a plane."""
    return {loss: model for loss, model in material.models.items() if model.latent_dim == 2}


def planes(material):
    """Posterior means of test digits in every latent plane, each drawn as its class; None if there is no plane.

    The dashed circle holds 90 % of the prior. A large digit names a class where it is purest.
    """
    if not (models := of_a_plane(material)):
        return None
    chosen = np.concatenate([np.flatnonzero(material.labels == label)[:A_CLASS] for label in range(10)])
    images, labels = drawn(material.images[chosen]), material.labels[chosen]
    figure, axes = panels(list(models), 2.45)
    for loss, axis in axes.items():
        plane(axis, np.asarray(models[loss].encode(images)[0]), labels)
    figure.supxlabel("posterior means of test digits; dashed: 90 % of the prior; outermost digits are outside", size=8)
    return figure


def plane(axis, z, labels):
    """Draw points z [N, 2] as the digits `labels` [N], and a large one for each class."""
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
    """Of each class the point of z [N, 2] whose NEIGHBOURS nearest points are most of that class."""
    _, neighbours = cKDTree(z).query(z, NEIGHBOURS)
    purity = (labels[neighbours] == labels[:, None]).mean(1)
    return {int(label): z[np.where(labels == label, purity, -1).argmax()] for label in np.unique(labels)}


def manifolds(material):
    """What every loss decodes over its latent plane, a square grid of the prior's quantiles.

    None if there is no plane.
    """
    if not (models := of_a_plane(material)):
        return None
    figure, axes = panels(list(models), 2.55)
    for loss, axis in axes.items():
        grid = grids.grid(np.asarray(models[loss].manifold(SIDE**2)))
        axis.imshow(grid.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        axis.set(xticks=[], yticks=[])
    return figure

"""The latent plane of every loss: where the test digits are, and what is decoded there."""

import numpy as np

from evaluation import pictures
from evaluation.drawn import drawn
from evaluation.plots.style import panels

A_CLASS = 60
SIDE = 14
PRIOR_RADIUS = np.sqrt(-2 * np.log(0.1))  # 90 % of a normal plane is within it


def planes(material):
    """Posterior means of test digits in every latent plane, each drawn as its class.

    The dashed circle holds 90 % of the prior.
    """
    chosen = np.concatenate([np.flatnonzero(material.labels == label)[:A_CLASS] for label in range(10)])
    images, labels = drawn(material.images[chosen]), material.labels[chosen]
    figure, axes = panels(list(material.models), 2.45)
    for loss, axis in axes.items():
        plane(axis, np.asarray(material.models[loss].encode(images)[0]), labels)
    figure.supxlabel("$z_1$", size=9)
    figure.supylabel("$z_2$", size=9)
    return figure


def plane(axis, z, labels):
    """Draw points z [N, 2] as the digits `labels` [N], and each class's name at its median."""
    from matplotlib import colormaps, patheffects
    from matplotlib.patches import Circle

    shades = colormaps["plasma"](np.linspace(0, 0.85, 10))
    for label in range(10):
        points = z[labels == label]
        axis.scatter(*points.T, marker=f"${label}$", s=9, color=shades[label], linewidths=0)
        halo = [patheffects.withStroke(linewidth=2.5, foreground="white")]
        text = {"size": 15, "weight": "bold", "ha": "center", "va": "center", "path_effects": halo}
        axis.text(*np.median(points, axis=0), str(label), color=shades[label], **text)
    axis.add_patch(Circle((0, 0), PRIOR_RADIUS, fill=False, linestyle="--", color="0.5"))
    reach = 1.05 * max(PRIOR_RADIUS, np.quantile(abs(z), 0.99))
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axis.tick_params(labelsize=7)


def manifolds(material):
    """What every loss decodes over its latent plane, a square grid of the prior's quantiles."""
    figure, axes = panels(list(material.models), 2.55)
    for loss, axis in axes.items():
        grid = pictures.grid(np.asarray(material.models[loss].manifold(SIDE**2)))
        axis.imshow(grid.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        axis.set(xticks=[], yticks=[])
    return figure

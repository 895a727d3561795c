"""What the figures have in common."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

WIDTH = 7.2  # inches
MARKERS = "osD^vPX<>*"
DASHES = ("-", "--", "-.", ":")
# the end of viridis that is too light for a line on white is left out
LIGHTEST = 0.82


def lines(names):
    """A line style for each of `names`: they differ in lightness, in dashes and in marker.

    Earlier ones are wider and have larger markers, so lines that coincide can all be seen.
    """
    shades = matplotlib.colormaps["viridis"](np.linspace(0, LIGHTEST, len(names)))
    widths = np.linspace(2.4, 1, len(names))
    return {
        name: {
            "label": name,
            "color": shade,
            "linestyle": DASHES[i % len(DASHES)],
            "linewidth": width,
            "marker": MARKERS[i % len(MARKERS)],
            "markersize": 1.5 + 2 * width,
        }
        for i, (name, shade, width) in enumerate(zip(names, shades, widths, strict=True))
    }


def panels(names, height, columns=3, **settings):
    """A figure with a titled panel, `height` inches, for each of `names`; the axes by name."""
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    figure = Figure((WIDTH, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **settings).ravel()
    for unused in axes[len(names) :]:
        unused.set_axis_off()
    for axis, name in zip(axes, names, strict=False):
        axis.set_title(name, fontsize="medium")
    return figure, dict(zip(names, axes, strict=False))


def picture(axis, image):
    """Draw an image [H, W, C] on the fixed scale [0, 1], without ticks or frame."""
    axis.imshow(np.clip(image, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)

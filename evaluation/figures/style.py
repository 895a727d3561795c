"""What all figures share: line styles, panels, rows of images, and the file format."""

import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from config.system.files import write_atomically

WIDTH = 7.2  # inches
DOTS_PER_INCH = 150
# of a file: enough for lines and grey images, and for images in colour
NUM_COLOURS, NUM_COLOURS_OF_IMAGES = 64, 256
MARKERS = "osD^vPX<>*"
DASHES = ("-", "--", "-.", ":")
# above this lightness a shade of viridis cannot be seen as a line on white
LIGHTEST = 0.82


def lines(names):
    """Return a line style for each of `names`. They differ in lightness, dashes and marker.

    Earlier lines are wider and have larger markers, so lines that coincide can all be seen.
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


def panels(names, height, columns=3):
    """Return a figure with a titled panel, `height` inches high, for each of `names`, and the axes by name."""
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    figure = Figure((WIDTH, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[len(names) :]:
        unused.set_axis_off()
    for axis, name in zip(axes, names, strict=False):
        axis.set_title(name, fontsize="medium")
    return figure, dict(zip(names, axes, strict=False))


def show(axis, image):
    """Show an image [H, W, C] on the fixed scale [0, 1], without ticks or frame."""
    axis.imshow(np.clip(image, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def show_row(axis, images):
    """Show images [N, H, W, C] side by side, as `show` does."""
    show(axis, np.concatenate(images, axis=1))


def label_row(axis, name):
    """Write a name to the left of a row of images."""
    axis.set_ylabel(name, rotation=0, ha="right", va="center", size=8)


def label_columns(axis, texts, width):
    """Write a text under each image of a row; `width` is that of an image, in pixels."""
    axis.set_xticks((np.arange(len(texts)) + 0.5) * width - 0.5, texts, size=7)
    axis.tick_params(length=0, pad=1)


def save(figure, path, in_colour=False):
    """Write a matplotlib figure to `path` as PNG and print the path. `in_colour`: it shows images in colour."""
    full, reduced = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=DOTS_PER_INCH)
    colours = NUM_COLOURS_OF_IMAGES if in_colour else NUM_COLOURS
    Image.open(full).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(reduced, "PNG", optimize=True)
    write_atomically(path, reduced.getvalue())
    print(path)

"""How the estimated blur kernels change during training."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures.style import WIDTH, show
from models import checkpoint
from models.wiener import kernel_width

COLUMNS = 8


def over_epochs(material):
    """Show kernels of four test images and, below them, reconstructions, at up to COLUMNS epochs, denser at first.

    They come from the first model whose training kept them. Without one there is no figure: None. Each
    kernel is shown relative to its largest value. Below it stands its standard deviation in pixels. Source:
    figure 2 of Bredell et al. 2023.
    """
    files = [material.results[name] / "evolution.npz" for name in material.models]
    path = next((path for path in files if path.exists()), None)
    return figure_of(checkpoint.read(path)[0]) if path else None


def figure_of(kept):
    """Return the figure of what a training kept, arrays by name."""
    last = len(kept["epoch"]) - 1
    chosen = np.unique(np.rint(np.geomspace(1, last + 1, COLUMNS)).astype(int) - 1)
    figure = Figure((WIDTH, 1.5 * len(kept["images"])), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.01, w_pad=0.01)
    axes = figure.subplots(2 * len(kept["images"]), 1 + len(chosen), squeeze=False)
    for i, image in enumerate(kept["images"]):
        kernels, reconstructions = axes[2 * i : 2 * i + 2]
        kernels[0].set_axis_off()
        show(reconstructions[0], image / 255)
        for above, below, e in zip(kernels[1:], reconstructions[1:], chosen, strict=True):
            kernel = kept["kernels"][e, i]
            show(above, kernel / kernel.max())
            above.set_xlabel(f"{kernel_width(kernel[None])[0]:.2f} px", size=7, labelpad=1)
            show(below, kept["reconstructions"][e, i] / 255)
    for axis, e in zip(axes[0, 1:], chosen, strict=True):
        axis.set_title(f"epoch {kept['epoch'][e]}", size=8)
    return figure

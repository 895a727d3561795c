"""The pictures of the README:  python -m evaluation.figures  (writes results/figures/)."""

import csv
import io
import itertools
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import data
from config.command_line import PAPER_LOSSES, Parser, checkpoint_files
from config.errors import UserError, run
from config.files import write_atomically
from config.runtime import import_tensorflow

# readable without colour: a grey and a line style each
GREYS_AND_LINES = [("0.6", "-"), ("0.6", "--"), ("0.35", "-"), ("0.35", "--"), ("0", "-")]
STYLES = itertools.cycle(GREYS_AND_LINES)


def panel(found, images):
    """Reconstructions (posterior mean) of the same images [N, 28, 28, 1] by every loss, a row each."""
    from data import batches
    from models import checkpoint

    rows = {"data": batches.to_float(images).numpy()}
    for loss, path in found.items():
        rows[loss] = checkpoint.load_model(path)[0].reconstruct(batches.to_float(images)).numpy()
    figure, axes = plt.subplots(len(rows), 1, figsize=(7.2, 0.68 * len(rows)), layout="constrained")
    for axis, (name, tiles) in zip(axes, rows.items(), strict=True):
        axis.imshow(np.concatenate(tiles[..., 0], axis=1), cmap="gray", vmin=0, vmax=1)
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def curves(logs):
    """PSNR, SSIM and the learning rate over the epochs; `logs` maps a loss to its CSV file."""
    figure, axes = plt.subplots(3, 1, figsize=(7.2, 6.5), sharex=True, layout="constrained")
    for (loss, path), (grey, line) in zip(logs.items(), STYLES, strict=False):
        rows = [row for row in csv.DictReader(read_text(path).splitlines()) if row["test_psnr"]]
        for axis, column in zip(axes, ("test_psnr", "test_ssim", "learning_rate"), strict=True):
            epochs, values = ([float(row[name]) for row in rows] for name in ("epoch", column))
            axis.plot(epochs, values, line, color=grey, label=loss)
    for axis, label in zip(axes, ("PSNR (dB)", "SSIM", "learning rate"), strict=True):
        axis.set_ylabel(label)
        axis.grid(alpha=0.2)
    axes[0].legend(ncols=5, fontsize="small")
    axes[-1].set_xlabel("epoch")
    return figure


def read_text(path):
    """The text of a file.

    Raises:
        UserError: it is missing.
    """
    try:
        return path.read_text()
    except OSError as error:
        raise UserError(f"{path}: expected the log of a training, got: {error.strerror}") from error


def save(figure, path):
    """Write a figure as PNG and close it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=150)
    plt.close(figure)
    write_atomically(path, buffer.getvalue())
    print(path)


def main(argv):
    """Draw every figure from the shipped checkpoints and logs."""
    parser = Parser(__doc__)
    parser.add_key("results_dir", "results")
    parser.add_checkpoints(PAPER_LOSSES)
    arguments = parser.parse(argv)
    found, results = checkpoint_files(arguments, PAPER_LOSSES), Path(arguments.results_dir)
    import_tensorflow()
    test = data.load("mnist", "test")
    first_of_each_class = [int(np.flatnonzero(test.labels == label)[0]) for label in range(10)]
    save(panel(found, test.images[first_of_each_class]), results / "figures" / "losses.png")
    save(curves({loss: results / loss / "metrics.csv" for loss in found}), results / "figures" / "curves.png")


if __name__ == "__main__":
    run(main)

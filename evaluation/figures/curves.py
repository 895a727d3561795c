"""What happened during training."""

import csv

from matplotlib.figure import Figure

from config.system.errors import UserError
from evaluation.figures.style import WIDTH, lines

# the column of the log: its label
COLUMNS = {"test_psnr": "PSNR (dB)", "test_ssim": "SSIM", "learning_rate": "learning rate"}


def training(material):
    """PSNR, SSIM and the cyclical learning rate over the epochs of every loss."""
    figure = Figure((WIDTH, 5.6), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    for loss, style in lines(list(material.models)).items():
        rows = read(material.results / loss / "metrics.csv")
        for axis, column in zip(axes, COLUMNS, strict=True):
            axis.plot(*measured(rows, column), **style, markevery=0.1)
    for axis, label in zip(axes, COLUMNS.values(), strict=True):
        axis.set_ylabel(label)
        axis.grid(alpha=0.2)
    axes[0].legend(ncols=3, fontsize="small", loc="lower right")
    axes[-1].set_xlabel("epoch")
    return figure


def measured(rows, column):
    """The epochs and values of a column, from the rows in which it has a new value.

    A log may repeat the latest measurement until the next one.
    """
    before = [None, *(row[column] for row in rows)]
    new = [row for row, last in zip(rows, before, strict=False) if row[column] not in ("", last)]
    return [float(row["epoch"]) for row in new], [float(row[column]) for row in new]


def read(path):
    """The rows of the log of a training.

    Raises:
        UserError: it is missing.
    """
    try:
        return list(csv.DictReader(path.read_text().splitlines()))
    except OSError as error:
        raise UserError(f"{path}: expected the log of a training, got: {error.strerror}") from error

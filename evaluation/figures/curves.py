"""What happened during training."""

from matplotlib.figure import Figure

from config.system import csv_file
from evaluation.figures.style import WIDTH, lines

# column of the log: its label
COLUMNS = {"test_psnr": "PSNR (dB)", "test_ssim": "SSIM", "learning_rate": "learning rate"}


def training(material):
    """Plot the PSNR and SSIM of test images and the learning rate over the epochs of each model.

    Models whose training left no log are left out. None if no model has one.
    """
    logs = {name: material.results[name] / "metrics.csv" for name in material.models}
    logs = {name: path for name, path in logs.items() if path.exists()}
    if not logs:
        return None
    figure = Figure((WIDTH, 5.6), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    for name, style in lines(list(logs)).items():
        rows = csv_file.read(logs[name], "a log")
        for axis, column in zip(axes, COLUMNS, strict=True):
            axis.plot(*new_values(rows, column), **style, markevery=0.1)
    for axis, label in zip(axes, COLUMNS.values(), strict=True):
        axis.set_ylabel(label)
        axis.grid(alpha=0.2)
    axes[0].legend(ncols=3, fontsize="small", loc="lower right")
    axes[-1].set_xlabel("epoch")
    return figure


def new_values(rows, column):
    """Return the epochs and the values of a column, for the rows in which the value is a new one.

    A log may repeat the latest score until there is another.
    """
    values = [row.get(column, "") for row in rows]  # a run that was stopped early has no column of scores
    new = [i for i, (last, value) in enumerate(zip(["", *values], values, strict=False)) if value not in ("", last)]
    return [float(rows[i]["epoch"]) for i in new], [float(values[i]) for i in new]

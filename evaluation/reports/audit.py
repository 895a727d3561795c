"""The paper's numbers, the author's published weights and our runs, side by side.

The paper's numbers come from one run each. So ours reproduce them if one more run of ours might have
given them: if PSNR and SSIM both lie in the 95 % prediction interval of our seeds (Patil, Peng and
Leek, "What should researchers expect when they replicate studies?", Perspectives on Psychological
Science 11(4), 2016), widened by half a unit of the last digit printed. A better number is as little a
reproduction as a worse one; whether our mean at least reaches the paper's is a column of its own. With
a single seed there is no such interval: that of the mean over resampled images takes its place,
which says nothing of other seeds.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

import config
from evaluation import bootstrap
from evaluation.metrics.quality import reconstruction_quality
from evaluation.reports.table import PAPER, markdown
from models import checkpoint, runs

# loss, where in the paper, PSNR (dB) and SSIM
CLAIMS = [*((loss, "Table 1", *numbers) for loss, numbers in PAPER.items()), ("ours", "introduction", 12.12, 0.507)]

# The author's checkpoints as published (github.com/Vibhu04/Deblurring-Variational-Autoencoders-with-STFT,
# folder checkpoints/), by loss: the prefix of the TensorFlow files, and the PSNR (dB) and SSIM measured from
# them under the protocol of `python evaluate.py` (test images, raw output, z sampled)
AUTHOR = {
    "l2": ("l2/mse", 12.78, 0.406),
    "l1": ("l1/l1", 10.15, 0.291),
    "ssim": ("ssim/ssim", 11.85, 0.488),
    "dft+ssim": ("dft_ssim/full_ft", 11.65, 0.480),
    "ours": ("ours/0.1_0.9_0.0015_16_4", 11.92, 0.488),
}

# what a run must have to be held against the paper's table, unless another recipe is named
PROTOCOL = {
    "dataset": "mnist",
    "test_split": "test",
    "train_size": 60000,
    "architecture": "conv28",
    "latent_dim": 2,
    "epochs": 50,
    "init_from": "",
}


class Measured(NamedTuple):
    """What our runs of a loss reach: means of PSNR (dB) and SSIM, each with an interval (low, high)."""

    name: str
    epochs: float | None
    seeds: int
    psnr: float
    ssim: float
    psnr_interval: tuple
    ssim_interval: tuple


def half_unit(number, least_decimals=0):
    """Half a unit of the last printed digit: 0.005 of 0.41 (and of 10.2, given that two decimals are printed)."""
    decimals = len(str(number).partition(".")[2])
    return 0.5 * 10 ** -max(decimals, least_decimals)


def is_reproduced(claim, ours):
    """Whether PSNR and SSIM of a claim (loss, place, PSNR, SSIM) both lie in our intervals, give or take rounding."""
    _, _, psnr, ssim = claim
    halves = half_unit(psnr, 2), half_unit(ssim)
    pairs = zip((psnr, ssim), (ours.psnr_interval, ours.ssim_interval), halves, strict=True)
    return all(low - half <= number <= high + half for number, (low, high), half in pairs)


def is_reached(claim, ours):
    """Whether our means of PSNR and SSIM are both at least the claim's, give or take rounding."""
    _, _, psnr, ssim = claim
    return ours.psnr >= psnr - half_unit(psnr, 2) and ours.ssim >= ssim - half_unit(ssim)


def protocol_runs(every, recipe):
    """Of `every` run those under the PROTOCOL: a dict of loss → (name of the configuration, its runs).

    `recipe` is a dict of keys and values that takes precedence over it. Of several configurations of a
    loss that with the most seeds counts, the first of equals: never the one that comes nearest.
    """
    required = PROTOCOL | recipe
    found = [run for run in every if required.items() <= vars(run).items() and run.loss in PAPER]
    most = {}
    for name, group in bootstrap.configurations(found).items() if found else ():
        _, other = most.get(group[0].loss, ("", []))
        if len(group) > len(other):
            most[group[0].loss] = name, group
    return most


def measured(name, models, epochs, images, weights):
    """The Measured of `models` on uint8 images [N, H, W, C] with resampling weights [1 + R, N]."""
    qualities = [reconstruction_quality(model, images) for model in models]
    means = {key: [weights @ quality[key] for quality in qualities] for key in ("psnr", "ssim")}
    centres = [float(np.mean([one[0] for one in resampled])) for resampled in means.values()]
    return Measured(name, epochs, len(models), *centres, *(run_interval(resampled) for resampled in means.values()))


def run_interval(resampled):
    """The interval of one more run, given each run's means over resampled images [1 + R]; of one run, over images."""
    if len(resampled) == 1:
        return bootstrap.interval(resampled[0])
    return bootstrap.prediction_interval([float(one[0]) for one in resampled])


def ours(loss, trained, shipped, images, weights):
    """The Measured of a loss: of its `trained` (name, runs), or, if it has none, of the checkpoint `shipped`/LOSS."""
    if trained:
        name, group = trained
        epochs = checkpoint.epochs(checkpoint.read(runs.files(group[0]).model)[1])
        return measured(name, [runs.load_model(run) for run in group], epochs, images, weights)
    model, manifest = checkpoint.load_model(Path(shipped) / loss / "model.npz")
    beta = checkpoint.configuration(manifest).beta
    name = loss if beta == config.defaults()["beta"] else f"{loss} beta={beta:g}"
    return measured(name, [model], checkpoint.epochs(manifest), images, weights)


def author(loss, folder, images):
    """PSNR (dB) and SSIM of the author's checkpoint of a loss: from its files in `folder`, or as once measured."""
    prefix, *numbers = AUTHOR[loss]
    if not folder:
        return tuple(numbers)
    quality = reconstruction_quality(checkpoint.load_model(Path(folder) / prefix)[0], images)
    return float(quality["psnr"].mean()), float(quality["ssim"].mean())


def row(claim, authors, found):
    """The row of a claim: the paper's numbers, those of the author's weights, ours, and the verdict."""
    loss, place, psnr, ssim = claim
    verdicts = {"reproduced": is_reproduced(claim, found), "reached": is_reached(claim, found)}
    return {"loss": loss, "place": place, "paper": (psnr, ssim), "author": authors, "ours": found._asdict()} | verdicts


# heading: a row's text
COLUMNS = {
    "loss": lambda row: row["loss"],
    "in the paper's": lambda row: row["place"],
    "paper": lambda row: f"{row['paper'][0]:.2f} / {row['paper'][1]:g}",
    "author's weights": lambda row: f"{row['author'][0]:.2f} / {row['author'][1]:.3f}",
    "our runs": lambda row: row["ours"]["name"],
    "seeds": lambda row: str(row["ours"]["seeds"]),
    "epochs": lambda row: "" if row["ours"]["epochs"] is None else f"{row['ours']['epochs']:.3g}",
    "ours": lambda row: f"{row['ours']['psnr']:.2f} / {row['ours']['ssim']:.3f}",
    "95 % interval": lambda row: " / ".join((
        "[{:.2f}, {:.2f}]".format(*row["ours"]["psnr_interval"]),
        "[{:.3f}, {:.3f}]".format(*row["ours"]["ssim_interval"]),
    )),
    "verdict": lambda row: "reproduced" if row["reproduced"] else "not reproduced",
    "reached": lambda row: "yes" if row["reached"] else "no",
}  # fmt: skip

RULE = (
    "PSNR (dB) / SSIM. Interval: where one more of our runs would fall, the paper's being one run; with a single "
    "seed that of the mean over other images, which says nothing of other seeds.\n"
    "reproduced: both of the paper's numbers are in the interval, give or take half a unit of their last digit. A "
    "better number is no reproduction.\n"
    "reached: both of our means are at least the paper's numbers, less half a unit."
)


def report(every, recipe, shipped, folder, images):
    """The audit: (rows, text).

    Args: `every`, the configurations of our runs; `recipe`, what else they must have; `shipped`, the folder of
    checkpoints for losses without runs; `folder`, the author's checkpoints, or empty; `images`, uint8 [N, H, W, C].
    """
    weights, trained = bootstrap.image_weights(len(images)), protocol_runs(every, recipe)
    found = {loss: ours(loss, trained.get(loss), shipped, images, weights) for loss in PAPER}
    authors = {loss: author(loss, folder, images) for loss in PAPER}
    rows = [row(claim, authors[claim[0]], found[claim[0]]) for claim in CLAIMS]
    source = f"measured from {folder}" if folder else "as measured from the files he published"
    lines = markdown(list(COLUMNS), [[text(one) for text in COLUMNS.values()] for one in rows])
    return rows, f"{lines}\n\n{RULE}\nauthor's weights: {source}, {len(images):,} test images, z sampled (seed 0).\n"

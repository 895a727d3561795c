"""The paper's numbers, the author's published weights and the runs of this repository, side by side.

The paper's numbers come from one run each. One more run of ours could give them if PSNR and SSIM both lie in the 95 %
prediction interval of our seeds (Patil, Peng and Leek, "What should researchers expect when they replicate studies?",
Perspectives on Psychological Science 11(4), 2016), widened by half a unit of the last digit printed. A number better
than ours can lie outside just as a worse one can; whether our mean at least reaches the paper's is a column of its own.
A single seed has no such interval. Its interval is over test images, and says nothing of other seeds.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

import config
from config.places import present
from evaluation import bootstrap, markdown, scoring
from evaluation.comparison import last_stages
from evaluation.markdown import display_name
from evaluation.reports.table import PAPER
from models import checkpoint, runs

# loss, place in the paper, PSNR (dB) and SSIM
CLAIMS = [*((loss, "Table 1", *numbers) for loss, numbers in PAPER.items()), ("ours", "introduction", 12.12, 0.507)]

# The author's checkpoints as published (github.com/Vibhu04/Deblurring-Variational-Autoencoders-with-STFT,
# folder checkpoints/), by loss: the prefix of the TensorFlow files, and the PSNR (dB) and SSIM that we found for
# them with the protocol of `python evaluate.py` (test images, raw output, latents sampled)
AUTHOR = {
    "l2": ("l2/mse", 12.78, 0.406),
    "l1": ("l1/l1", 10.15, 0.291),
    "ssim": ("ssim/ssim", 11.85, 0.488),
    "dft+ssim": ("dft_ssim/full_ft", 11.65, 0.480),
    "ours": ("ours/0.1_0.9_0.0015_16_4", 11.92, 0.488),
}

SCORES = ("psnr", "ssim", "kl_divergence")

# the settings with which a run can be compared with the paper's table
PROTOCOL = {"dataset": "mnist", "test_split": "test", "train_size": 60000, "architecture": "conv28", "latent_dim": 2}


class Reached(NamedTuple):
    """What runs of a loss reach: means of PSNR (dB) and SSIM, each with an interval (low, high), and of KL (nats)."""

    name: str  # of their configuration
    epochs: float | None
    seeds: int
    psnr: float
    ssim: float
    psnr_interval: tuple
    ssim_interval: tuple
    kl_divergence: float


def half_unit(number, least_decimals=0):
    """Return half a unit of the last digit printed: 0.005 for 0.41, and for 10.2 if 2 decimals are printed."""
    decimals = len(str(number).partition(".")[2])
    return 0.5 * 10 ** -max(decimals, least_decimals)


def is_possible(psnr, ssim, reached):
    """Whether the paper's PSNR and SSIM both lie in the intervals of a Reached, give or take rounding."""
    pairs = (psnr, half_unit(psnr, 2), reached.psnr_interval), (ssim, half_unit(ssim), reached.ssim_interval)
    return all(low - half <= number <= high + half for number, half, (low, high) in pairs)


def is_reached(psnr, ssim, reached):
    """Whether the means of a Reached are both at least the paper's PSNR and SSIM, give or take rounding."""
    return reached.psnr >= psnr - half_unit(psnr, 2) and reached.ssim >= ssim - half_unit(ssim)


def comparable_runs(every, experiment=()):
    """Return, of the runs `every`, those that can be compared with the paper: loss → (name of configuration, its runs).

    If a loss has several configurations, the one with most seeds counts, the first of equals: never the one that
    comes nearest. A run from which another one starts does not count.

    Args: `experiment`, as of `runs.belongs`.
    """
    fitting = [run for run in every if PROTOCOL.items() <= vars(run).items() and runs.belongs(run, experiment)]
    found = last_stages([run for run in fitting if run.loss in PAPER])
    most = {}
    for name, group in bootstrap.configurations(found).items() if found else ():
        _, other = most.get(group[0].loss, ("", []))
        if len(group) > len(other):
            most[group[0].loss] = name, group
    return most


def reached(name, models, epochs, images, weights):
    """Return the Reached of `models` on uint8 images [N, H, W, C], whose resampling weights are [1 + R, N]."""
    scores = [scoring.score(model, images, SCORES) for model in models]
    means = [[weights @ one[metric] for one in scores] for metric in SCORES]
    psnr, ssim, kl = (float(np.mean([one[0] for one in resampled])) for resampled in means)
    return Reached(name, epochs, len(models), psnr, ssim, *map(run_interval, means[:2]), kl)


def run_interval(resampled):
    """Return the interval of one more run, given each run's means [1 + R]; for a single run, that over images."""
    if len(resampled) == 1:
        return bootstrap.interval(resampled[0])
    return bootstrap.prediction_interval([float(one[0]) for one in resampled])


def reached_by_us(loss, trained, model_dir, images, weights):
    """Return the Reached of a loss: of its runs `trained` (name, runs), or of its checkpoint in `model_dir`."""
    if trained:
        name, group = trained
        epochs = checkpoint.epochs(checkpoint.read(runs.model_file(group[0]))[1])
        return reached(name, [runs.load_model(run) for run in group], epochs, images, weights)
    model, manifest = checkpoint.load_model(present(Path(model_dir) / loss / "model.npz"))
    beta = checkpoint.configuration(manifest).beta
    name = loss if beta == config.defaults()["beta"] else f"{loss} beta={beta:g}"
    return reached(name, [model], checkpoint.epochs(manifest), images, weights)


def reached_by_author(loss, folder, images):
    """Return PSNR (dB), SSIM and KL (nats) of the author's checkpoint of a loss.

    They are those of its files in `folder`, or, if that is empty, as we found them; then there is no KL, None.
    """
    prefix, *numbers = AUTHOR[loss]
    if not folder:
        return *numbers, None
    scores = scoring.score(checkpoint.load_model(Path(folder) / prefix)[0], images, SCORES)
    return tuple(float(scores[name].mean()) for name in SCORES)


def row(claim, author, by_us):
    """Return the row of a claim (loss, place, PSNR, SSIM): its numbers, the author's, ours, the verdicts."""
    loss, place, *numbers = claim
    verdicts = {"possible": is_possible(*numbers, by_us), "reached": is_reached(*numbers, by_us)}
    found = {"paper": tuple(numbers), "author": author, "this_repository": by_us._asdict()}
    return {"loss": loss, "place": place} | found | verdicts


HEADER = [
    "loss", "place in the paper", "paper", "author's weights", "runs", "seeds", "epochs", "this repository",
    "KL", "95 % interval", "possible", "reached",
]  # fmt: skip


def cells(row):
    """Return the cells of a row."""
    us, (psnr, ssim), author = row["this_repository"], row["paper"], row["author"]
    spans = markdown.span(*us["psnr_interval"], 2), markdown.span(*us["ssim_interval"], 3)
    return [
        display_name(row["loss"]),
        row["place"],
        f"{psnr:.2f} / {ssim:g}",
        "{:.2f} / {:.3f}".format(*author) + ("" if author[2] is None else f", KL {author[2]:.1f}"),
        display_name(us["name"]),
        str(us["seeds"]),
        "" if us["epochs"] is None else f"{us['epochs']:.3g}",
        f"{us['psnr']:.2f} / {us['ssim']:.3f}",
        f"{us['kl_divergence']:.1f}",
        " / ".join(spans),
        "yes" if row["possible"] else "no",
        "yes" if row["reached"] else "no",
    ]


CAPTION = (
    "PSNR (dB) / SSIM; KL in nats. Interval: where one more run of this repository would fall, since the paper has one "
    "run; with a single seed, the interval of the mean over test images, which says nothing of other seeds.\n"
    "Possible: both of the paper's numbers are in the interval, give or take half a unit of their last digit, so one "
    "more run could give them. That is not yet a reproduction, for which the protocol would have to be the paper's.\n"
    "Reached: both means of this repository are at least the paper's numbers, less half a unit."
)


def report(every, images, model_dir, experiment=(), author_checkpoints=""):
    """Return the audit: (rows, text).

    Args: `every`, the Settings of our runs; `images`, uint8 [N, H, W, C]; `model_dir`, the folder of checkpoints for
    losses without runs; `experiment`, as of `runs.belongs`; `author_checkpoints`, the folder of the author's, or empty.
    """
    weights, trained = bootstrap.image_weights(len(images)), comparable_runs(every, experiment)
    by_us = {loss: reached_by_us(loss, trained.get(loss), model_dir, images, weights) for loss in PAPER}
    authors = {loss: reached_by_author(loss, author_checkpoints, images) for loss in PAPER}
    rows = [row(claim, authors[claim[0]], by_us[claim[0]]) for claim in CLAIMS]
    source = f"scored from {author_checkpoints}" if author_checkpoints else "as we scored the files that he published"
    about = f"{len(images):,} test images, reconstructed from samples of the posterior (seed 0)"
    text = f"{markdown.table(HEADER, map(cells, rows))}\n\n{CAPTION}\nAuthor's weights: {source}. {about}.\n"
    return rows, text

"""Restoring measured images: how close every restorer comes to the clean images, and how long it takes."""

import time
from statistics import median
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import data
import measurements
from config.system.errors import UserError
from data.batches import to_float
from evaluation import bootstrap, markdown
from evaluation.metrics import psnr
from evaluation.metrics.display import parts
from evaluation.restorers import acsg, restorers
from losses.ssim import similarity
from models import checkpoint
from models.ambient_vae_gan import AmbientVAEGAN

# a restorer that takes less for all images is timed again
LEAST_SECONDS = 0.3
DISPLAY_NAMES = {
    "ambient_vae_gan": "ambient VAE-GAN",
    "supervised": "supervised VAE-GAN",
    "acsg": "ACSG",
    "acsg_pixels": "ACSG, pixels",
    "non_learned": "filter",
}


class Case(NamedTuple):
    """Test images, the same measured, and what can restore them."""

    measurement: str
    setting: str  # the measurement and its parameters: "drop_patch, k = 14"
    dataset: str
    model: AmbientVAEGAN  # trained on such measured images
    restorers: dict  # by name
    images: np.ndarray  # [N, H, W, C] in [0, 1]
    theta: np.ndarray  # [N, ...]
    measured: np.ndarray  # [N, H, W, C]

    def first(self, count):
        """Return the case of the first `count` images."""
        return self._replace(images=self.images[:count], theta=self.theta[:count], measured=self.measured[:count])


class Scores(NamedTuple):
    """How close restored images come to the clean ones, and the time that an image takes."""

    psnr: np.ndarray  # [N], dB
    ssim: np.ndarray  # [N]
    seconds: float


def cases(files, split="test", dataset="", data_dir="", seed=0):
    """Return a Case for each measurement that the checkpoints in `files`, a dict of name → path, were trained on.

    Args: `dataset`, empty for the one that the models were trained on; `seed`, that of θ.

    Raises:
        UserError: a checkpoint restores nothing, two are alike, a supervised one has no ambient one beside it,
            or the images have another shape than the models take.
    """
    found = []
    for (trained_on, window, measurement, setting), models in by_measurement(files).items():
        model, name = models["ambient_vae_gan"], dataset or trained_on
        images = load_images(name, split, data_dir, model.image_shape, window)
        theta = model.measurement.draw(images.shape, [seed, 1])
        arrays = [array.numpy() for array in (images, theta, model.measurement.apply(images, theta))]
        found.append(Case(measurement, setting, name, model, restorers(model, models.get("supervised")), *arrays))
    return found


def by_measurement(files):
    """Return the models in `files`, (data set, window, measurement, setting) → "ambient_vae_gan" or "supervised" → it.

    Raises:
        UserError: a checkpoint restores nothing, two are alike, or a supervised one has no ambient one beside it.
    """
    groups = {}
    for name, path in files.items():
        model, settings = load_model(path)
        setting = described(settings)
        models = groups.setdefault((settings.dataset, settings.window, settings.measurement, setting), {})
        kind = "supervised" if settings.supervised else "ambient_vae_gan"
        if kind in models:
            raise UserError(f"{name}: expected one {kind} of {setting}, got a second")
        models[kind] = model
    for (*_, setting), models in groups.items():
        if "ambient_vae_gan" not in models:
            raise UserError(f"loss: expected an ambient_vae_gan of {setting} beside the supervised one, got none")
    return groups


def load_model(path):
    """Return the model in the checkpoint `path`, which restores images, and its settings.

    Raises:
        UserError: there is no such file, or it is a model of another kind.
    """
    model, manifest = checkpoint.load_model(path)
    settings = checkpoint.configuration(manifest)
    if settings.model != "ambient_vae_gan":
        raise UserError(f"{path}: expected an ambient_vae_gan, which restores images, got a {settings.model}")
    return model, settings


def load_images(dataset, split, data_dir, image_shape, window):
    """Return the images [N, H, W, C] of a data set, float32 in [0, 1]. Args: as of data.load.

    Raises:
        UserError: they cannot be loaded, or their shape is not `image_shape` [H, W, C].
    """
    images = data.load(dataset, split, data_dir, *image_shape[1:], window).images
    if images.shape[1:] != image_shape:
        raise UserError(f"dataset {dataset}: expected images of {image_shape}, got {images.shape[1:]}")
    return to_float(np.asarray(images))


def described(settings):
    """Return a measurement with its parameters: "drop_patch, k = 14"."""
    names = measurements.parameters(settings.measurement)
    values = [f"{name} = {getattr(settings, f'measurement_{name}'):g}" for name in names]
    return ", ".join([settings.measurement, *values])


def timed(restore, case):
    """Return what a restorer makes of a case, [N, H, W, C], and the seconds that each image takes.

    The time is the median of as many runs as LEAST_SECONDS hold. A first call, which traces the graph, is
    not counted.
    """
    few, times = case.first(1), []
    restore(few.measured, few.theta)
    while sum(times) < LEAST_SECONDS:
        begin = time.perf_counter()
        restored = restore(case.measured, case.theta)
        times.append(time.perf_counter() - begin)
    return restored, median(times) / len(restored)


def score(restore, case):
    """Return the Scores of what a restorer makes of a case."""
    restored, seconds = timed(restore, case)
    pairs = [(case.images[i], restored[i]) for i in parts(restored)]
    return Scores(*(np.concatenate([metric(*pair) for pair in pairs]) for metric in (psnr, similarity)), seconds)


def rows(cases, acsg_images=0):
    """Return a row, a dict, for each case and restorer. ACSG restores the first `acsg_images` images, or all if 0."""
    found, weights = [], {}
    with tqdm(total=sum(len(case.restorers) for case in cases), unit="restorer", disable=None) as bar:
        for case in cases:
            scores = {}
            for name, restore in case.restorers.items():
                count = acsg_images if name.startswith("acsg") else 0
                scores[name] = score(restore, case.first(count or None))
                bar.update()
            found += [row(case, name, scores, weights) for name in scores]
    return found


def row(case, name, scores, weights):
    """Return the row of a restorer: its scores, and those of the ambient model minus its own on the same images.

    Args: `scores`, the Scores by name of the restorer; `weights`, the bootstrap weights by number of images, which
    this fills.
    """
    own, ambient = scores[name], scores["ambient_vae_gan"]
    count = len(own.psnr)
    if count not in weights:
        weights[count] = bootstrap.image_weights(count)
    found = {"measurement": case.measurement, "setting": case.setting, "dataset": case.dataset, "method": name}
    found |= {"num_images": count, "seconds_per_image": own.seconds, "time_ratio": own.seconds / ambient.seconds}
    for metric in ("psnr", "ssim"):
        theirs, ours = (weights[count] @ getattr(one, metric)[:count] for one in (own, ambient))
        found |= estimate(metric, theirs)
        if name != "ambient_vae_gan":
            found |= estimate(f"{metric}_gain", ours - theirs) | estimate(f"{metric}_ratio", ours / theirs)
    return found | verdict(found)


def estimate(name, resampled):
    """Return the value of a mean over resampled images [1 + R], and the ends of its interval, by name."""
    low, high = bootstrap.interval(resampled)
    return {name: float(resampled[0]), f"{name}_low": low, f"{name}_high": high}


# restorer: what is claimed of the ambient model beside it, and the column that must then be above a value. For SSIM
# the whole interval must be; times have no interval
CLAIMS = {
    "supervised": ("SSIM within 10 %", "ssim_ratio_low", 0.9),
    "acsg": ("100 times as fast", "time_ratio", 100),
    "acsg_pixels": ("100 times as fast", "time_ratio", 100),
    "non_learned": ("higher SSIM", "ssim_gain_low", 0),
}


def verdict(row):
    """Return the claim about a row's restorer and whether it holds, by name; nothing if there is no claim."""
    if row["method"] not in CLAIMS:
        return {}
    claim, column, bound = CLAIMS[row["method"]]
    return {"claim": claim, "holds": row[column] > bound}


SCORES = ["measurement", "method", "images", "PSNR (dB)", "SSIM", "ms per image"]
GAINS = ["measurement", "compared with", "images", "PSNR gain (dB)", "SSIM gain", "SSIM ratio", "time ratio"]


def tables(rows):
    """Return the rows in Markdown: the scores of every restorer, and what the ambient model gains over the others."""
    scores, gains = [], []
    for row in rows:
        first = [row["setting"], DISPLAY_NAMES[row["method"]], f"{row['num_images']:,}"]
        psnr, ssim = interval(row, "psnr", 2), interval(row, "ssim", 3)
        scores.append([*first, psnr, ssim, f"{1000 * row['seconds_per_image']:.3g}"])
        if row["method"] != "ambient_vae_gan":
            psnr, ssim = interval(row, "psnr_gain", 2, "+"), interval(row, "ssim_gain", 3, "+")
            ratios = interval(row, "ssim_ratio", 3), f"{row['time_ratio']:.3g}"
            gains.append([*first, psnr, ssim, *ratios, f"{row['claim']}: {'yes' if row['holds'] else 'no'}"])
    between = "What the ambient VAE-GAN gains over the other methods:"
    return f"{markdown.table(SCORES, scores)}\n\n{between}\n\n{markdown.table([*GAINS, 'claim'], gains)}"


def interval(row, name, decimals, sign=""):
    """Return a value in a row with its interval: "11.94 [11.90, 11.98]"."""
    return markdown.interval(row[name], row[f"{name}_low"], row[f"{name}_high"], decimals, sign)


def caption(case, split, seed):
    """Return how the numbers were made, in a few sentences."""
    return (
        f"{len(case.images):,} {split} images of {case.dataset}, damaged with seed {seed}. PSNR (range 1) and SSIM of "
        "each restored image against the clean one, then the mean over images. In brackets: 95 % bootstrap interval "
        "over images, for one training. Gains and ratios compare the same images. Time ratio: time of the other "
        "method over time of the ambient VAE-GAN.\n"
        "Ambient and supervised VAE-GAN: posterior mean, one pass; only the supervised one saw clean images. "
        f"ACSG: {acsg.STEPS} steps in the latent space of the ambient VAE-GAN, on features of the discriminator or on "
        "pixels. Filter: no learning; inpainting is told where the holes are, which no other method is.\n"
        f"Times: batches of {parts(case.images)[0].stop}, without the first call. Images with the same hole "
        "are inpainted together."
    )

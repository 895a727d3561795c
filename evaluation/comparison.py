"""The metrics of configurations over seeds and test images, as they are and at equal KL divergence."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from config.schema import ANY_FOLDER
from config.system.errors import UserError
from evaluation import bootstrap, scoring
from evaluation.metrics import METRICS, blur, fid, kid
from evaluation.metrics.display import in_batches
from losses import lpips
from models import checkpoint, runs


class Protocol(NamedTuple):
    """How models are scored."""

    dataset: str
    split: str
    latents: str  # whether reconstructions are decoded from a "sample" of the posterior or from its "mean"
    seed: int  # that of the noise
    perceptual: int | None  # the number of images for KID and FID; 0: LPIPS without them; None: none of these

    def metrics(self):
        """The names of the metrics."""
        return [name for name, metric in METRICS.items() if self.fits(metric)]

    def fits(self, metric):
        """Whether a metric is for this data set and, if it is perceptual, has as many images as it needs."""
        is_chosen = not metric.perceptual or (self.perceptual is not None and self.perceptual >= metric.least_images)
        return is_chosen and (not metric.datasets or self.dataset in metric.datasets)


class Resamples:
    """The test images [N, H, W, C], their resamples, and what metrics compare with, computed when first needed.

    Args: `first`, the number of images for KID and FID; `count`, R, the number of resamples.
    """

    def __init__(self, images, first=None, count=bootstrap.RESAMPLES):
        self.images, self.first, self.count = images, first, count
        self.weights = bootstrap.image_weights(len(images), resamples=count)  # [1 + R, N]

    @cached_property
    def digest(self):
        """The sha256 of the images."""
        return hashlib.sha256(np.asarray(self.images).tobytes()).hexdigest()

    @cached_property
    def power_moments(self):
        """The power moments [1 + R, 2, SIGMAS] of the images under every Gaussian blur."""
        return self.of_resamples(in_batches(blur.power_moments_under_blur, self.images))

    @cached_property
    def shape_moments(self):
        """The power moments [1 + R, 2, SHAPE_SIGMAS] of the shapes of the images under every Gaussian blur."""
        return self.of_resamples(in_batches(blur.shape_moments_under_blur, self.images))

    def of_resamples(self, moments):
        """Return the means [1 + R, ...] over resamples of the moments [N, ...] of images."""
        return np.tensordot(self.weights, moments.astype(np.float32), 1)

    @cached_property
    def features(self):
        """The Inception features [n, 2048] of the first images."""
        return fid.features(np.asarray(self.images[: self.first]))

    @cached_property
    def gaussian(self):
        """The Gaussian of the features of the first images."""
        return fid.gaussian(self.features)

    @cached_property
    def weights_of_first(self):
        """The weights [1 + R, n] of resamples of the first images."""
        if self.first == len(self.images):
            return self.weights
        return bootstrap.image_weights(self.first, resamples=self.count)

    @cached_property
    def mean_kernel(self):
        """The mean kernel [1 + R] of KID within the first images."""
        return kid.within(self.features, self.weights_of_first)


class Estimate(NamedTuple):
    """The metrics of a configuration."""

    runs: list  # Settings
    of_runs: dict  # metric: [1 + R, runs], its values on resampled images
    means: dict  # metric: [1 + R], its means over resampled images and seeds


def require_checkpoints(found):
    """Check that every run has a checkpoint.

    Raises:
        UserError: some have none.
    """
    files = [runs.model_file(run) for run in found]
    if missing := [path for path in files if not path.exists()]:
        raise UserError(f"{missing[0]}: expected the checkpoints of {len(files)} runs, {len(missing)} are missing")


def require_perceptual(count):
    """Check that the weights of LPIPS and, if `count` is not 0, of Inception are there.

    Raises:
        UserError: the packages are not installed.
    """
    try:
        lpips.load()
    except ValueError as error:
        raise UserError(str(error)) from error
    if count:
        fid.inception()


def last_stages(found):
    """Leave out the runs that are the first stage of others: those from whose checkpoint another run starts."""
    starts = {Path(run.init_from.replace("{seed}", str(run.seed))) for run in found if run.init_from}
    return [run for run in found if runs.files(run).model not in starts]


def estimates(groups, images, protocol, edits):
    """Return the Estimate of each configuration in `groups`, a dict of runs, on uint8 images [N, H, W, C].

    All are scored on the same images with the same noise and the same resamples, each under its Edit of `edits`.
    """
    resamples = Resamples(images, protocol.perceptual)
    found = {}
    with tqdm(total=sum(map(len, groups.values())), unit="run", disable=None) as bar:
        for name, group in groups.items():
            metrics = []
            for run in group:
                metrics.append(of_run(run, resamples, protocol, edits[name]))
                bar.update()
            found[name] = estimate(group, metrics)
    return found


def estimates_of_families(families, images, protocol, edits):
    """Return the Estimates of each family, name → one for each β, given its runs, name → one list for each β.

    Args: `edits`, the Edit of each family.
    """
    groups = {(name, i): runs for name, at_betas in families.items() for i, runs in enumerate(at_betas)}
    found = estimates(groups, images, protocol, {(name, i): edits[name] for name, i in groups})
    return {name: [found[name, i] for i in range(len(at_betas))] for name, at_betas in families.items()}


def of_run(run, resamples, protocol, edit):
    """Return the metrics of a run, its output under an Edit, on every resample of the images, a dict of [1 + R].

    Perceptual metrics are kept beside the results of the run, since Inception takes 0.125 s per image.
    """
    model, names = runs.load_model(run), protocol.metrics()
    path, of = kept_file(run, resamples, protocol, edit)
    kept = {} if protocol.perceptual is None else kept_metrics(path, of)
    found = of_model(model, resamples, protocol, [name for name in names if name not in kept], edit)
    if slow := {name: values for name, values in found.items() if METRICS[name].perceptual}:
        checkpoint.write(path, kept | slow, of=of)
    return {name: (kept | found)[name] for name in names}


def kept_file(run, resamples, protocol, edit):
    """Return the file for the perceptual metrics of a run under an Edit, and what they are of, a dict."""
    path, model = runs.files(run).perceptual, runs.model_file(run)
    of = {**protocol._asdict(), "checkpoint": hashlib.sha256(model.read_bytes()).hexdigest()}
    of |= {"images": list(resamples.images.shape), "resamples": len(resamples.weights)}
    if protocol.dataset in ANY_FOLDER:
        of |= {"pixels": resamples.digest}
    if not edit.control:
        return path, of
    return path.with_stem(f"{path.stem}_{edit.control}"), of | {"constants": edit.constants}


def kept_metrics(path, of):
    """Return the metrics in the file `path`, by name, if they are `of` the same run, protocol and images, a dict."""
    if not path.exists():
        return {}
    found, manifest = checkpoint.read(path)
    return found if manifest.get("of") == of else {}


def of_model(model, resamples, protocol, names, edit=np.asarray):
    """Return the metrics `names` of a model on every resample of the images, a dict of [1 + R].

    Args: `edit`, as of scoring.Batch.
    """
    how = {"latents": protocol.latents, "seed": protocol.seed, "first": protocol.perceptual, "edit": edit}
    scores = scoring.score(model, resamples.images, names, **how)
    return {name: METRICS[name].resample(values, resamples) for name, values in scores.items()}


def estimate(group, metrics):
    """Return the Estimate of the runs `group`, given the metrics of each, a dict of [1 + R]."""
    of_runs = {name: np.stack([one[name] for one in metrics], axis=1) for name in metrics[0]}
    weights = bootstrap.seed_weights([run.seed for run in group], len(next(iter(of_runs.values()))) - 1)
    return Estimate(group, of_runs, {name: (weights * values).sum(1) for name, values in of_runs.items()})


def with_seeds(one, seeds):
    """Return the Estimate of those runs of `one` that have one of `seeds`."""
    chosen = [i for i, run in enumerate(one.runs) if run.seed in seeds]
    metrics = [{name: values[:, i] for name, values in one.of_runs.items()} for i in chosen]
    return estimate([one.runs[i] for i in chosen], metrics)


def difference(one, other):
    """Return the Estimate of `one` minus `other`, on the same resamples. Its runs are those of the fewer.

    If both are of runs and have seeds in common, it is over these: others would add what lies between seeds.
    """
    common = {run.seed for run in one.runs} & {run.seed for run in other.runs}
    if common and one.of_runs and other.of_runs:
        one, other = with_seeds(one, common), with_seeds(other, common)
    means = {name: values - other.means[name] for name, values in one.means.items()}
    return Estimate(min(one.runs, other.runs, key=len), {}, means)


def at_equal_kl(found, kl=None):
    """Return the Estimates of losses at one KL divergence, the ranges of those that do not reach it, and that KL.

    The Estimates of a loss at several β are points (KL, metric). Each metric is linear between them.

    Args: `found`, name → Estimates, one for each β; `kl` in nats, None: the median of the middles of the losses'
    ranges, moved into what the ranges share. Returns: (name → Estimate, name → range, kl).
    """
    points = {name: np.stack([one.means["kl_divergence"] for one in at_betas], 1) for name, at_betas in found.items()}
    ranges = {name: (float(kls[0].min()), float(kls[0].max())) for name, kls in points.items()}
    kl = bootstrap.common_position(list(ranges.values())) if kl is None else kl
    outside = {name: ends for name, ends in ranges.items() if not ends[0] <= kl <= ends[1]}
    return {name: interpolated(found[name], kl, points[name]) for name in found if name not in outside}, outside, kl


def interpolated(at_betas, kl, points):
    """Return the Estimate at `kl` nats between Estimates at several β, whose KL divergences are points [1 + R, β]."""
    means = {
        name: bootstrap.interpolated(kl, points, np.stack([one.means[name] for one in at_betas], 1))
        for name in at_betas[0].means
    }
    # the configuration with the fewest seeds says whether the interval is over seeds
    return Estimate(min((one.runs for one in at_betas), key=len), {}, means)

"""What configurations reach over seeds and images, as they are and at equal KL divergence."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from config.system.errors import UserError
from evaluation import bootstrap
from evaluation.metrics.blur import power_moments, power_moments_under_blur, sigma_between
from evaluation.metrics.display import of_each, parts
from evaluation.metrics.quality import reconstruction_quality, reconstructions
from models import runs

# of every run
MEASURES = ("psnr", "ssim", "psnr_clipped", "ssim_clipped", "equivalent_blur", "sample_blur", "kl_divergence")


class Estimate(NamedTuple):
    """What a configuration reaches."""

    runs: list  # their configurations
    of_runs: dict  # measure: [1 + R, runs], its means over resampled images
    means: dict  # measure: [1 + R], its means over resampled images and seeds


def require_checkpoints(found):
    """Check that every run has a checkpoint, before the long part.

    Raises:
        UserError: some have none.
    """
    files = [runs.files(run).model for run in found]
    if missing := [path for path in files if not path.exists()]:
        raise UserError(f"{missing[0]}: expected a checkpoint of each run, got none of {len(missing)} of {len(files)}")


def estimates(groups, images, z, seed, further=None):
    """An Estimate of every configuration in `groups` (a dict of runs), on uint8 images [N, H, W, C].

    The same images, the same noise (`z`, `seed`) and the same resamples of the images for all.

    Args: `further`, what else to measure: a function of run, model and the images' weights [1 + R, N] that
    returns a dict of [1 + R].
    """
    weights = bootstrap.image_weights(len(images))
    references = np.tensordot(weights, of_each(power_moments_under_blur, images).astype(np.float32), 1)
    found = {}
    with tqdm(total=sum(map(len, groups.values())), unit="run", disable=None) as bar:
        for name, group in groups.items():
            measured = []
            for run in group:
                model = runs.load_model(run)
                one = resampled_measures(model, images, weights, references, z, seed)
                measured.append(one | (further(run, model, weights) if further else {}))
                bar.update()
            found[name] = estimate(group, measured)
    return found


def resampled_measures(model, images, weights, references, z, seed):
    """The MEASURES of a model on every resample of the images: a dict of [1 + R].

    Args: `weights` [1 + R, N] of the images; `references` [1 + R, 2, sigmas], the power moments of resampled images.
    """
    quality = reconstruction_quality(model, images, z, seed)
    # samples are independent of the images, so the images' weights are as good for them as others
    drawn = {
        "equivalent_blur": reconstructions(model, images, z, seed),
        "sample_blur": prior_samples(model, images, seed),
    }
    moments = {name: np.concatenate([of_each(power_moments, some) for some in drawn[name]]) for name in drawn}
    blurs = {
        name: sigma_between(np.tensordot(weights, found.astype(np.float32), 1), references)
        for name, found in moments.items()
    }
    return {name: weights @ values for name, values in quality.items()} | blurs


def prior_samples(model, images, seed):
    """Batches [B, H, W, C] of as many samples of the prior as there are images; sample i depends on `seed` and i."""
    z = tf.random.stateless_normal([len(images), model.latent_dim], [seed, 1])
    for i in parts(images):
        yield model.decode(z[i]).numpy()


def estimate(group, measured):
    """The Estimate of runs whose measures, a dict of [1 + R] each, are `measured`."""
    of_runs = {name: np.stack([one[name] for one in measured], axis=1) for name in measured[0]}
    weights = bootstrap.seed_weights([run.seed for run in group], len(measured[0]["psnr"]) - 1)
    return Estimate(group, of_runs, {name: (weights * values).sum(1) for name, values in of_runs.items()})


def of_seeds(one, seeds):
    """The Estimate of those runs of `one` that have one of `seeds`."""
    chosen = [i for i, run in enumerate(one.runs) if run.seed in seeds]
    measured = [{name: values[:, i] for name, values in one.of_runs.items()} for i in chosen]
    return estimate([one.runs[i] for i in chosen], measured)


def difference(one, other):
    """The Estimate of how much more `one` has than `other`, on the same resamples; its runs are those of the fewer.

    Over the seeds that both have, if there are any and the two are runs: others would add what lies between seeds.
    """
    common = {run.seed for run in one.runs} & {run.seed for run in other.runs}
    if common and one.of_runs and other.of_runs:
        one, other = of_seeds(one, common), of_seeds(other, common)
    means = {name: values - other.means[name] for name, values in one.means.items()}
    return Estimate(min(one.runs, other.runs, key=len), {}, means)


def at_equal_kl(found, kl=None):
    """The Estimates of losses at one KL divergence, those whose runs do not reach it, and that KL (nats).

    A loss's estimates at several β are points (KL, measure); every measure is linear between them.
    `kl` None is the median of the middles of the losses' ranges, moved into what the ranges share.

    Args: `found`, a dict of name → Estimates by β. Returns: (name → Estimate, name → range, kl).

    Raises:
        UserError: no loss has runs at several β.
    """
    points = {name: np.stack([one.means["kl_divergence"] for one in at_betas], 1) for name, at_betas in found.items()}
    ranges = {name: (float(kls[0].min()), float(kls[0].max())) for name, kls in points.items()}
    several = [ranges[name] for name, at_betas in found.items() if len(at_betas) > 1]
    if not several:
        raise UserError("match: expected a loss with runs at several values of beta, got none")
    kl = bootstrap.common_position(several) if kl is None else kl
    inside = {name: at_betas for name, at_betas in found.items() if ranges[name][0] <= kl <= ranges[name][1]}
    matched = {name: interpolated(at_betas, kl, points[name]) for name, at_betas in inside.items()}
    return matched, {name: span for name, span in ranges.items() if name not in inside}, kl


def interpolated(at_betas, kl, points):
    """The Estimate at `kl` nats between Estimates at several β, whose KL divergences are points [1 + R, β]."""
    means = {
        name: bootstrap.interpolated(kl, points, np.stack([one.means[name] for one in at_betas], 1))
        for name in at_betas[0].means
    }
    # the configuration with the fewest seeds says whether seeds are in the interval
    return Estimate(min((one.runs for one in at_betas), key=len), {}, means)

"""Intervals for runs that differ in their seed and are scored on the same images.

Seeds and images are crossed: every run of a configuration reconstructs every image. Both are samples, of the
trainings and of the images there might have been. So a resample reweights seeds and images, each by itself, and the
value of a run for an image counts by the product of the two weights (Owen, "The pigeonhole bootstrap", Annals of
Applied Statistics 1(2), 2007; Owen and Eckles, "Bootstrapping data arrays of arbitrary order", Annals of Applied
Statistics 6(3), 2012). A bootstrap of all values alike would take 3 x 10,000 of them for 30,000 trainings.

Images are resampled with replacement, the same for all runs, so differences are paired. Three to five seeds are too
few for that: the percentile interval of a mean of three is their range, which holds the truth in 75 of 100 cases, not
95. Their weights are normal multipliers over a chi variable instead. Under these, a mean of n values has Student's
distribution around it, with n - 1 degrees of freedom. Configurations with the same seeds share their weights: the same
seed gives them the same first weights, or the same checkpoint to start from. So a difference is paired by seed as it is
by image, and has Student's distribution too. With other seeds it has that of Behrens and Fisher.

In every array the first of the 1 + R resamples is the sample itself.
"""

from statistics import median, mode

import numpy as np
from scipy.stats import t

import config

RESAMPLES = 4000
LEVEL = 0.95


def image_weights(count, seed=0, resamples=RESAMPLES):
    """Return the weights [1 + R, count] of images resampled with replacement; every row sums to 1."""
    generator = np.random.default_rng(seed)
    weights = np.ones((1 + resamples, count), np.float32)
    for row in weights[1:]:
        row[:] = np.bincount(generator.integers(count, size=count), minlength=count)
    return weights / np.float32(count)


def seed_weights(seeds, resamples=RESAMPLES):
    """Return the weights [1 + R, count] of a list of seeds, some of them negative; every row sums to 1.

    They move the mean over seeds by its standard error times Student's t. The same seeds have the same weights. A
    single seed always has the weight 1.
    """
    count, generator = len(seeds), np.random.default_rng(seeds)
    deviations = generator.standard_normal((resamples, count))
    deviations -= deviations.mean(1, keepdims=True)
    chi = np.sqrt(generator.chisquare(max(count - 1, 1), (resamples, 1)))
    return 1 / count + np.concatenate([np.zeros((1, count)), deviations / (chi * np.sqrt(count))])


def interval(resampled):
    """Return the percentile interval (low, high) of a value [1 + R]."""
    low, high = np.quantile(resampled[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def widening(resampled):
    """Return by how much the intervals of values [K, 1 + R] must be widened so that they hold all K at once.

    It is the 95 % point of the largest of K deviations, each over its half of its own interval (Beran, "Balanced
    simultaneous confidence sets", Journal of the American Statistical Association 83, 1988). Unlike Bonferroni's
    factor, it sees that values which share their seeds and images deviate together.
    """
    low, high = np.quantile(resampled[:, 1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)[..., None]
    value, others = resampled[:, :1], resampled[:, 1:]
    half = np.where(others > value, high - value, value - low)
    deviations = np.divide(abs(others - value), half, out=np.zeros_like(half), where=half > 0)
    return max(1.0, float(np.quantile(deviations.max(0), LEVEL)))


def widened(value, low, high, factor):
    """Return an interval (low, high) whose ends are `factor` times as far from the value."""
    return value - factor * (value - low), value + factor * (high - value)


def is_beyond(low, high, margin):
    """Whether an interval, its ends included, lies above `margin` or below -`margin`."""
    return low > margin or high < -margin


def is_within(low, high, margin):
    """Whether an interval, its ends included, lies between -`margin` and `margin`."""
    return -margin < low and high < margin


def prediction_interval(values):
    """Return where one more run would fall, (low, high), after runs with `values` [n], n > 1 (Student's t)."""
    half = t.ppf((1 + LEVEL) / 2, len(values) - 1) * np.std(values, ddof=1) * np.sqrt(1 + 1 / len(values))
    return float(np.mean(values) - half), float(np.mean(values) + half)


def configurations(runs, apart=()):
    """Group `runs`, Settings, by configuration: return a dict of name → runs with different seeds, in their order.

    A configuration is named by its loss and by what differs from most runs: "ours", "ours beta=0.001". Runs whose
    weights are the same, such as those that differ only in their tag, count once.

    Args: `apart`, keys that may differ within a configuration too; its runs may then have the same seed.
    """
    usual, found = usual_settings(runs), {}
    for run in runs:
        differing = [key for key in differences(usual, run) if key not in apart]
        name = " ".join([run.loss, *(f"{key}={getattr(run, key)}" for key in differing)])
        found.setdefault(name, {}).setdefault((run.seed, *(getattr(run, key) for key in apart)), run)
    return {name: sorted(alike.values(), key=lambda run: run.seed) for name, alike in found.items()}


def differences(usual, run):
    """The keys, but for the loss and the seed, in which the configurations of two Settings differ."""
    return [key for key in config.differences(usual, run, logged=False) if key not in ("loss", "model", "seed")]


def usual_settings(runs):
    """Return Settings whose value of each key is that of most configurations of `runs`; of several values the first.

    A configuration counts once, however many seeds it has. So its name stays when seeds are added.
    """
    keys = [name for name, key in config.KEYS.items() if key.changes == "weights" and name not in ("seed", "init_from")]
    once = {}
    for run in runs:
        once.setdefault(tuple(getattr(run, key) for key in keys), run)
    return config.Settings(**{key: mode(getattr(run, key) for run in once.values()) for key in vars(runs[0])})


def interpolated(target, positions, values):
    """Return the values [1 + R] at the position `target`, on a line through points [1 + R, K] sorted by position.

    A resample whose points do not reach the target has the value of its nearest point.
    """
    order = np.argsort(positions, axis=1)
    positions, values = (np.take_along_axis(points, order, axis=1) for points in (positions, values))
    return np.array([np.interp(target, *points) for points in zip(positions, values, strict=True)])


def common_position(ranges):
    """Return a position for all `ranges` (low, high): the median of their middles, moved into what they share.

    If they share nothing it is the median alone.
    """
    low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
    middle = median((low + high) / 2 for low, high in ranges)
    return min(max(middle, low), high) if low <= high else middle

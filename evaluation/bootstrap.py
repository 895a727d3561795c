"""Intervals for runs that differ in their seed and are measured on the same images.

Seeds and images are crossed: every run of a configuration reconstructs every image. Both are samples,
of the trainings and of the images there might have been, so a resample reweights seeds and images,
each by itself, and a run's value of an image counts by the product of the two weights (Owen, "The
pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007; Owen and Eckles, "Bootstrapping data
arrays of arbitrary order", Annals of Applied Statistics 6(3), 2012). A bootstrap of all values alike
would take 3 x 10,000 of them for 30,000 trainings.

Images are drawn with replacement, the same for all runs, so that differences are paired. Seeds are
three to five, too few to be drawn: the percentile interval of a mean of three is their range, which
holds the truth in 75 of 100 cases, not 95. Their weights are normal multipliers over a chi variable
instead, under which a mean of n values has Student's distribution around it, with n - 1 degrees of
freedom. Configurations with the same seeds share their weights: the same seed gives two of them the same
first weights, or the same checkpoint to begin from, so a difference is paired by seed as it is by image,
and has Student's distribution too. With other seeds it has that of Behrens and Fisher.

In every array the first of the 1 + R resamples is the sample itself.
"""

from statistics import median, mode

import numpy as np
from scipy.stats import t

RESAMPLES = 4000
LEVEL = 0.95
# what makes two runs no different configurations: the seed, where things are, how often one looks
PLACES = {"tag", "model_dir", "logs_dir", "results_dir", "data_dir"}
FREQUENCIES = {"log_freq", "test_freq", "visualise_freq", "save_model_freq", "test_size", "monitor_size", "num_samples"}
NOT_COMPARED = {"seed"} | PLACES | FREQUENCIES


def image_weights(count, seed=0, resamples=RESAMPLES):
    """Weights [1 + R, count] of images drawn with replacement; every row sums to 1."""
    generator = np.random.default_rng(seed)
    weights = np.ones((1 + resamples, count), np.float32)
    for row in weights[1:]:
        row[:] = np.bincount(generator.integers(count, size=count), minlength=count)
    return weights / np.float32(count)


def seed_weights(seeds, resamples=RESAMPLES):
    """Weights [1 + R, count] of a list of seeds, some negative; every row sums to 1. A single seed always has 1.

    The mean of a value a seed is moved by its standard error times Student's t. The same seeds have the same weights.
    """
    count, generator = len(seeds), np.random.default_rng(seeds)
    deviations = generator.standard_normal((resamples, count))
    deviations -= deviations.mean(1, keepdims=True)
    chi = np.sqrt(generator.chisquare(max(count - 1, 1), (resamples, 1)))
    return 1 / count + np.concatenate([np.zeros((1, count)), deviations / (chi * np.sqrt(count))])


def interval(resampled):
    """The percentile interval (low, high) of a statistic [1 + R]."""
    low, high = np.quantile(resampled[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def excludes_zero(low, high):
    """Whether 0 is outside an interval, its ends included."""
    return low > 0 or high < 0


def prediction_interval(values):
    """Where one more run would fall, (low, high), after runs with the `values` [n], n > 1 (Student's t)."""
    half = t.ppf((1 + LEVEL) / 2, len(values) - 1) * np.std(values, ddof=1) * np.sqrt(1 + 1 / len(values))
    return float(np.mean(values) - half), float(np.mean(values) + half)


def configurations(runs, apart=()):
    """The `runs`, namespaces, by configuration: a dict of name → runs with different seeds, in their order.

    Keys in `apart` may differ within a configuration too, and then so may the seeds be the same. A
    configuration is named by its loss and what is not as in most runs: "ours", "ours beta=0.001".
    Two runs alike but for their tag have the same bits and count once.
    """
    usual = usual_values(runs)
    found = {}
    for run in runs:
        differing = [f"{key}={vars(run)[key]}" for key in usual if key not in apart and vars(run)[key] != usual[key]]
        alike = found.setdefault(" ".join([run.loss, *differing]), {})
        alike.setdefault((run.seed, *(vars(run)[key] for key in apart)), run)
    return {name: sorted(alike.values(), key=lambda run: run.seed) for name, alike in found.items()}


def usual_values(runs):
    """The most frequent value, of several the first, of every key but loss and model that makes runs different."""
    compared = [key for key in vars(runs[0]) if key not in NOT_COMPARED | {"loss", "model"}]
    return {key: mode(vars(run)[key] for run in runs) for key in compared}


def interpolated(target, positions, values):
    """The values [1 + R] at the position `target`, linear between points [1 + R, K] sorted by position.

    A resample whose points do not reach the target has the value of its nearest point.
    """
    order = np.argsort(positions, axis=1)
    positions, values = (np.take_along_axis(points, order, axis=1) for points in (positions, values))
    return np.array([np.interp(target, *points) for points in zip(positions, values, strict=True)])


def common_position(ranges):
    """A position for all the `ranges` (low, high): the median of their middles, moved into what they share.

    If they share nothing it is the median alone.
    """
    low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
    middle = median((low + high) / 2 for low, high in ranges)
    return min(max(middle, low), high) if low <= high else middle

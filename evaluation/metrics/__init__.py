"""The metrics of images by name. To add one, write a function and add its line to METRICS."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from evaluation.metrics import digit_reader, fid, kid, manifold
from evaluation.metrics.blur import SHAPE_SIGMAS, power_moments, shape_moments, sigma_between
from evaluation.metrics.colour import chroma
from losses import kl_divergence, lpips
from losses.ssim import similarity

# the PSNR of equal images is infinite; here it is that of a mean squared error of 1e-10
HIGHEST_PSNR = 100.0
# FID of fewer images says more of their number than of the images
FID_IMAGES = 10_000
# where images have less mean chroma, they are grey
LEAST_CHROMA = 1e-6


def psnr(image, reconstruction):
    """Return the peak signal-to-noise ratio of each pair [B] in dB, for a range of 1, at most HIGHEST_PSNR."""
    mse = tf.reduce_mean(tf.math.squared_difference(image, reconstruction), [1, 2, 3])
    return -10 / np.log(10) * tf.math.log(tf.maximum(mse, 10 ** (-HIGHEST_PSNR / 10)))


def mean(values, resamples):
    """Return the mean [1 + R] of values [N] over each resample of the test images."""
    return resamples.weights @ values


def blur_of_set(values, resamples):
    """Return the equivalent blur [1 + R], sigma in pixels, of images whose power moments [N, 2, 1] are `values`."""
    return sigma_between(np.tensordot(resamples.weights, values.astype(np.float32), 1), resamples.power_moments)


def shape_blur_of_set(values, resamples):
    """Return the blur of shapes [1 + R] of images whose shapes have the power moments `values` [N, 2, 1]."""
    moments = np.tensordot(resamples.weights, values.astype(np.float32), 1)
    return sigma_between(moments, resamples.shape_moments, SHAPE_SIGMAS)


def shapes(batch):
    """Return the power moments [B, 2, 1] of the shapes of the clipped reconstructions."""
    return shape_moments(batch.clipped, np.asarray(batch.image))


def is_read(batch):
    """Return 1 where the reconstruction is read as the digit as which the image is read, otherwise 0, [B]."""
    return np.float32(digit_reader.read(batch.clipped) == digit_reader.read(batch.image))


def chromas(batch):
    """Return the mean chroma of the clipped reconstructions and of the images, [B, 2]."""
    return np.stack([chroma(batch.clipped), chroma(batch.image)], axis=1)


def colour_kept(values, resamples):
    """Return the chroma of reconstructions over that of the images [1 + R], given both [N, 2]; 0 for grey images."""
    made, seen = (resamples.weights @ values).T
    return made / np.maximum(seen, LEAST_CHROMA)


def frechet(values, resamples):
    """Return the FID [1 + R] of images whose features [n, 2048] are `values`. It is not resampled: all are the same."""
    return np.full(len(resamples.weights), fid.distance(fid.gaussian(values), resamples.gaussian))


def kernel_distance(values, resamples):
    """Return 1000 times the KID [1 + R] of images whose features [n, 2048] are `values`."""
    weights, within = resamples.weights_of_first, resamples.mean_kernel
    return 1000 * kid.distance(values, resamples.features, weights, within)


def precision(values, resamples):
    """Return the share [1 + R] of images with features `values` [n, 2048] that lie in the manifold of test images."""
    return resamples.weights_of_first @ manifold.inside(values, resamples.features)


def recall(values, resamples):
    """Return the share [1 + R] of test images that lie in the manifold of images with features `values` [n, 2048]."""
    return resamples.weights_of_first @ manifold.inside(resamples.features, values)


def patch_distance(batch):
    """Return the LPIPS [B] of the clipped reconstructions."""
    return lpips.distance(*map(lpips.as_photographs, (batch.clipped, batch.image)))


class Metric(NamedTuple):
    """A metric of the images that a model makes.

    heading, decimals: those of its column.
    score: function of a Batch (evaluation/scoring.py) → a value for each image, [B] or [B, ...].
    resample: function of the values of all test images [N, ...] and their Resamples (evaluation/comparison.py) → the
        metric [1 + R] on each resample of them.
    margin: differences up to this are of no practical weight.
    perceptual: whether it is slow, needs requirements-perceptual.txt, and is computed only with --perceptual.
    datasets: those that it is for; empty: all.
    least_images: how many images it needs, and 0 if it scores all. Others score the first test images, as many as
        --perceptual says, and are left out if these are fewer.
    """

    heading: str
    decimals: int
    score: Callable
    resample: Callable = mean
    margin: float = 0
    perceptual: bool = False
    datasets: tuple = ()
    least_images: int = 0


DIGITS = ("mnist", "mnist-gray")
COLOURED = ("cifar10", "celeba", "cartoons")
BLUR = {"resample": blur_of_set, "margin": 0.02}
OF_FEATURES = {"perceptual": True, "least_images": 2}
OF_NEIGHBOURS = {"perceptual": True, "least_images": manifold.K + 1}
FRECHET = {"resample": frechet, "perceptual": True, "least_images": FID_IMAGES}

METRICS = {
    "psnr": Metric("PSNR", 2, lambda batch: psnr(batch.image, batch.reconstruction), margin=0.05),
    "ssim": Metric("SSIM", 3, lambda batch: similarity(batch.image, batch.reconstruction), margin=0.005),
    "psnr_clipped": Metric("PSNR clipped", 2, lambda batch: psnr(batch.image, batch.clipped), margin=0.05),
    "ssim_clipped": Metric("SSIM clipped", 3, lambda batch: similarity(batch.image, batch.clipped), margin=0.005),
    "equivalent_blur": Metric("blur (px)", 3, lambda batch: power_moments(batch.clipped), **BLUR),
    "shape_blur": Metric("blur of shapes (px)", 3, shapes, shape_blur_of_set, 0.02, datasets=DIGITS),
    "digit_read": Metric("digit read", 3, is_read, datasets=DIGITS),
    "colour_kept": Metric("colour kept", 3, chromas, colour_kept, datasets=COLOURED),
    "sample_blur": Metric("blur of samples (px)", 3, lambda batch: power_moments(batch.samples), **BLUR),
    "lpips": Metric("LPIPS", 3, patch_distance, perceptual=True),
    "kid": Metric("KID ×1000", 1, lambda batch: batch.features, kernel_distance, **OF_FEATURES),
    "sample_kid": Metric(
        "KID ×1000 of samples", 1, lambda batch: batch.sample_features, kernel_distance, **OF_FEATURES
    ),
    "precision": Metric("precision of samples", 3, lambda batch: batch.sample_features, precision, **OF_NEIGHBOURS),
    "recall": Metric("recall of samples", 3, lambda batch: batch.sample_features, recall, **OF_NEIGHBOURS),
    "fid": Metric("FID", 1, lambda batch: batch.features, **FRECHET),
    "sample_fid": Metric("FID of samples", 1, lambda batch: batch.sample_features, **FRECHET),
    "kl_divergence": Metric("KL (nats)", 2, lambda batch: kl_divergence(*batch.posterior)),
}

# the metrics of single images. A training writes their means to runs.csv
OF_IMAGES = tuple(
    name
    for name, metric in METRICS.items()
    if metric.resample is mean and not metric.perceptual and not metric.datasets
)

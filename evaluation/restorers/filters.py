"""Restoring without learning: for each measurement a filter of scikit-image.

A filter takes measured images [N, H, W, C], the measurement and its θ, and returns images [N, H, W, C], unclipped.
No model is told θ: where a hole is, a corner, an angle.
"""

import math

import numpy as np
import tensorflow as tf
from skimage import filters, restoration

from measurements import Centred, Identity
from measurements.geometry import ExtractPatch, PadRotateProject
from measurements.masks import Drop, KeepPatch
from measurements.noise import AddNoise, BlurAddNoise, gaussian

# the best of those tried on held-out images of MNIST and CIFAR-10, by PSNR and SSIM together (p = 0.8; sigma = 0.2)
SMOOTHING_WIDTH = {1: 1.0, 3: 1.5}  # number of channels: pixels
MEDIAN_SIDE = 3  # pixels
WIENER_BALANCE = 2.5  # in units of the noise's variance


def restorer(measurement):
    """Return the filter for a measurement, function(measured, theta) → images in [0, 1]; None if there is none.

    For a measurement around grey, the filter works on images in [-1, 1] too.
    """
    is_centred = isinstance(measurement, Centred)
    own, scale, offset = (measurement.measurement, 2, 1) if is_centred else (measurement, 1, 0)
    restore = next((FILTERS[kind] for kind in type(own).__mro__ if kind in FILTERS), None)
    if restore is None:
        return None
    return lambda measured, theta: np.clip((restore(scale * measured - offset, own, theta) + offset) / scale, 0, 1)


def unchanged(measured, measurement, theta):
    """Return the images as they are."""
    return measured


def smoothing(measured, measurement, theta):
    """Smooth with a Gaussian. Dropped pixels are black and the others brighter, so the mean is that of the image."""
    width = SMOOTHING_WIDTH[measured.shape[-1]]
    return filters.gaussian(measured, (0, width, width, 0))


def inpainting(measured, measurement, theta):
    """Inpaint biharmonically where θ is 0. Images with the same hole are solved for together, as channels."""
    holes, owner = np.unique(theta[..., 0] == 0, axis=0, return_inverse=True)
    restored = np.empty_like(measured)
    for i, hole in enumerate(holes):
        own = np.flatnonzero(owner == i)
        channels = np.moveaxis(measured[own], 0, 2)
        found = restoration.inpaint_biharmonic(channels.reshape(*hole.shape, -1), hole, channel_axis=-1)
        restored[own] = np.moveaxis(found.reshape(channels.shape), 2, 0)
    return restored


def median(measured, measurement, theta):
    """Take the median of the neighbours of each pixel, in every channel."""
    return filters.median(measured, np.ones((1, MEDIAN_SIDE, MEDIAN_SIDE, 1)))


def placing(measured, measurement, theta):
    """Put the patch in the middle back at its corner θ [N, 2] and inpaint around it."""
    k, (height, width) = measurement.k, measured.shape[1:3]
    top, left = (height - k) // 2, (width - k) // 2
    placed, seen = np.zeros_like(measured), np.zeros_like(measured[..., :1])
    for i, (row, column) in enumerate(theta):
        placed[i, row : row + k, column : column + k] = measured[i, top : top + k, left : left + k]
        seen[i, row : row + k, column : column + k] = 1
    return inpainting(placed, measurement, seen)


def deconvolution(measured, measurement, theta):
    """Deconvolve every channel with a Wiener filter, its regularisation in proportion to the noise's variance."""
    kernel = gaussian(measurement.radius, measurement.size)
    balance = WIENER_BALANCE * measurement.sigma**2
    planes = np.moveaxis(measured, -1, 1).reshape(-1, *measured.shape[1:3])
    found = np.stack([restoration.wiener(plane, kernel, balance, clip=False) for plane in planes])
    return np.moveaxis(found.reshape(len(measured), -1, *measured.shape[1:3]), 1, -1)


def back_projection(measured, measurement, theta):
    """Give every pixel of a ray the mean along it: of all images with these sums the one of least norm."""
    (height, width), side = measured.shape[1:3], math.ceil(math.hypot(*measured.shape[1:3]))
    lengths = measurement.apply(tf.ones_like(measured), theta).numpy()
    means = measured[:, 0] / np.maximum(lengths[:, 0], 1)
    # positions along the line of sums, 0 in the middle of the image: of the line's samples, and of every pixel
    samples = ((np.arange(width) + 0.5) / width - 0.5) * side
    y, x = np.mgrid[:height, :width] - (np.array([height, width])[:, None, None] - 1) / 2
    rays = x * np.cos(theta[:, None, None]) + y * np.sin(theta[:, None, None])
    channels = np.moveaxis(means, -1, 1)
    found = [[np.interp(ray, samples, line) for line in lines] for ray, lines in zip(rays, channels, strict=True)]
    return np.moveaxis(np.array(found, measured.dtype), 1, -1)


# kind of measurement: its filter, which a subclass shares unless it has its own
FILTERS = {
    Identity: unchanged,
    Drop: smoothing,
    KeepPatch: inpainting,
    ExtractPatch: placing,
    AddNoise: median,
    BlurAddNoise: deconvolution,
    PadRotateProject: back_projection,
}

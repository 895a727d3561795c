"""Restoring without learning: for every measurement what scikit-image has for it.

A function takes measured images [N, H, W, C], their θ, which no model is told (where a hole is, a corner, an
angle), and the parameters of the measurement; it returns images [N, H, W, C], unclipped.
"""

import math

import numpy as np
import tensorflow as tf
from skimage import filters, restoration

from measurements.geometry import PadRotateProject
from measurements.noise import gaussian

# the best of those tried on held-out digits, and of CIFAR-10, by PSNR and SSIM together (p = 0.8; sigma = 0.2)
GAUSSIAN_WIDTH = {1: 1.0, 3: 1.5}  # channels: pixels
MEDIAN_SIDE = 3  # pixels
WIENER_BALANCE = 2.5  # of the noise's variance


def gaussian_blur(measured, theta, parameters):
    """A Gaussian blur: the dropped pixels are black, the others brighter in turn, so the mean is the image's."""
    width = GAUSSIAN_WIDTH[measured.shape[-1]]
    return filters.gaussian(measured, (0, width, width, 0))


def inpainting(measured, theta, parameters):
    """Biharmonic inpainting where θ is 0; images with the same hole are solved for together, as channels."""
    holes, owner = np.unique(theta[..., 0] == 0, axis=0, return_inverse=True)
    restored = np.empty_like(measured)
    for i, hole in enumerate(holes):
        own = np.flatnonzero(owner == i)
        channels = np.moveaxis(measured[own], 0, 2)
        found = restoration.inpaint_biharmonic(channels.reshape(*hole.shape, -1), hole, channel_axis=-1)
        restored[own] = np.moveaxis(found.reshape(channels.shape), 2, 0)
    return restored


def median(measured, theta, parameters):
    """A median filter of every channel."""
    return filters.median(measured, np.ones((1, MEDIAN_SIDE, MEDIAN_SIDE, 1)))


def put_back(measured, theta, parameters):
    """The patch in the middle back at its corner θ [N, 2], inpainting around it."""
    k, (height, width) = parameters.k, measured.shape[1:3]
    top, left = (height - k) // 2, (width - k) // 2
    placed, seen = np.zeros_like(measured), np.zeros_like(measured[..., :1])
    for i, (row, column) in enumerate(theta):
        placed[i, row : row + k, column : column + k] = measured[i, top : top + k, left : left + k]
        seen[i, row : row + k, column : column + k] = 1
    return inpainting(placed, seen, parameters)


def deconvolution(measured, theta, parameters):
    """Wiener deconvolution of every channel, its regularisation in proportion to the noise's variance."""
    kernel = gaussian(parameters.radius, parameters.size)
    balance = WIENER_BALANCE * parameters.sigma**2
    planes = np.moveaxis(measured, -1, 1).reshape(-1, *measured.shape[1:3])
    found = np.stack([restoration.wiener(plane, kernel, balance, clip=False) for plane in planes])
    return np.moveaxis(found.reshape(len(measured), -1, *measured.shape[1:3]), 1, -1)


def back_projection(measured, theta, parameters):
    """The mean along each ray, at every pixel of the ray: of all images with these sums that of least norm."""
    (height, width), side = measured.shape[1:3], math.ceil(math.hypot(*measured.shape[1:3]))
    lengths = PadRotateProject().apply(tf.ones_like(measured), theta).numpy()
    means = measured[:, 0] / np.maximum(lengths[:, 0], 1)
    # where the middle of the image is 0: the samples of the line, and the pixels
    samples = ((np.arange(width) + 0.5) / width - 0.5) * side
    y, x = np.mgrid[:height, :width] - (np.array([height, width])[:, None, None] - 1) / 2
    rays = x * np.cos(theta[:, None, None]) + y * np.sin(theta[:, None, None])
    channels = np.moveaxis(means, -1, 1)
    found = [[np.interp(ray, samples, line) for line in lines] for ray, lines in zip(rays, channels, strict=True)]
    return np.moveaxis(np.array(found, measured.dtype), 1, -1)


# name of the measurement: function(measured, θ, parameters)
BASELINES = {
    "none": lambda measured, theta, parameters: measured,
    "drop_independent": gaussian_blur,
    "drop_row": gaussian_blur,
    "drop_col": gaussian_blur,
    "drop_rowcol": gaussian_blur,
    "drop_patch": inpainting,
    "keep_patch": inpainting,
    "extract_patch": put_back,
    "add_noise": median,
    "blur_add_noise": deconvolution,
    "pad_rotate_project": back_projection,
}

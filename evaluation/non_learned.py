"""Restoring without learning: for every measurement what scikit-image has for it.

A function takes measured images [N, H, W, C], their θ, which no model is told, and the parameters of
the measurement; it returns images [N, H, W, C], unclipped.
"""

import numpy as np
from skimage import filters, restoration, transform

from measurements.noise import gaussian

# the best of those tried on held-out digits, by PSNR and SSIM together (p = 0.8; sigma = 0.2)
GAUSSIAN_WIDTH = 1.0  # pixels
MEDIAN_SIDE = 3  # pixels
WIENER_BALANCE = 2.5  # of the noise's variance


def gaussian_blur(measured, theta, parameters):
    """A Gaussian blur: the dropped pixels are black, the others brighter in turn, so the mean is the image's."""
    return filters.gaussian(measured, (0, GAUSSIAN_WIDTH, GAUSSIAN_WIDTH, 0))


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
    """The sums spread evenly along their rays, turned back by θ [N], radians."""
    spread = measured / measured.shape[1]
    turned = [transform.rotate(image, -np.degrees(angle)) for image, angle in zip(spread, theta, strict=True)]
    return np.stack(turned)


# name of the measurement: function(measured, θ, parameters)
BASELINES = {
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

"""Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004)."""

import keras
import numpy as np
import tensorflow as tf

from config.system.errors import UserError
from losses.base import ReconstructionLoss, along_last_axis, planes


def similarity(image, reconstruction, window=11, sigma=1.5, k1=0.01, k2=0.03, max_val=1.0):
    """The mean SSIM of each pair [B], in [-1, 1]: 1 where equal.

    Gaussian `window` (pixels) of width `sigma` (pixels) at the positions where it fits whole, mean
    over positions and channels. Equals tf.image.ssim; the Gaussian, being separable, is two
    products with a banded matrix.

    Raises:
        ValueError: the window is larger than the image.
    """
    x, y = planes(image), planes(reconstruction)
    rows, columns = (gaussian_rows(size, window, sigma) for size in x.shape[2:])
    moments = tf.stack([x, y, x * y, x**2 + y**2], axis=1)
    mean_x, mean_y, mean_xy, mean_xx_yy = tf.unstack(along_last_axis(along_last_axis(moments, columns), rows), axis=1)
    mean_product, mean_squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = mean_xy - mean_product
    variances = mean_xx_yy - mean_squares
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    luminance = (2 * mean_product + c1) / (mean_squares + c1)
    contrast_structure = (2 * covariance + c2) / (variances + c2)
    return tf.reduce_mean(luminance * contrast_structure, [1, 2, 3])


def gaussian_rows(size, window, sigma):
    """The Gaussian at every position of a line of pixels [size - window + 1, size]; rows sum to 1."""
    if window > size:
        raise UserError(f"ssim: expected images of at least {window} pixels a side, its window, got {size}")
    offsets = np.arange(window) - (window - 1) / 2
    gaussian = np.exp(-(offsets**2) / (2 * sigma**2))
    rows = np.zeros((size - window + 1, size))
    for position, row in enumerate(rows):
        row[position : position + window] = gaussian / gaussian.sum()
    return rows


@keras.saving.register_keras_serializable("losses")
class SSIM(ReconstructionLoss):
    """Structural dissimilarity 1 - SSIM, [B], in [0, 2] (the paper's section 3.2, its sign mended).

    Args: `window` and `sigma` of the Gaussian in pixels, `k1`, `k2`, and `max_val`, the range of
    the images.
    """

    def __init__(self, window=11, sigma=1.5, k1=0.01, k2=0.03, max_val=1.0, **kwargs):
        super().__init__(**kwargs)
        self.settings = {"window": window, "sigma": sigma, "k1": k1, "k2": k2, "max_val": max_val}

    def distance(self, image, reconstruction):
        """The loss of each pair [B]."""
        return tf.maximum(1 - similarity(image, reconstruction, **self.settings), 0)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | self.settings

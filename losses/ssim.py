"""Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004)."""

import keras
import numpy as np
from keras import ops

from .base import ReconstructionLoss, whole
from .dft import at_every_position, computed_once, times, with_room
from .tiles import cut, tilings


def similarity(image, reconstruction, window=11, sigma=1.5, k1=0.01, k2=0.03, max_val=1.0):
    """Return the mean SSIM of each pair [B], in [-1, 1]; 1 where the two are equal.

    The Gaussian `window` (pixels) of width `sigma` (pixels) stands at every position where it fits; the mean is over
    positions and channels. The value is that of tf.image.ssim. The Gaussian is separable, so filtering is two
    products with a banded matrix.

    Raises:
        ValueError: the window is larger than the image.
    """
    height, width = (with_room(size, window, "ssim") for size in ops.shape(image)[1:3])
    down, right = tilings(height, width, window, 1, least=2 * window)
    x, y = cut(image, down, right), cut(reconstruction, down, right)
    rows, columns = (filters(line.side, window, sigma) for line in (down, right))
    moments = ops.stack([x, y, x * y, x**2 + y**2], axis=1)
    # [B, 4, C·tiles, windows right, windows down]
    local = along_last_axis(ops.swapaxes(along_last_axis(moments, columns), -1, -2), rows)
    mean_x, mean_y, mean_xy, mean_xx_yy = ops.unstack(local, axis=1)
    mean_product, mean_squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = mean_xy - mean_product
    variances = mean_xx_yy - mean_squares
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    luminance = (2 * mean_product + c1) / (mean_squares + c1)
    contrast_structure = (2 * covariance + c2) / (variances + c2)
    found = luminance * contrast_structure
    if down.count == right.count == 1:
        return ops.mean(found, [1, 2, 3])
    return mean_inside(found, down.inside(np, height, window, 1), right.inside(np, width, window, 1))


def mean_inside(values, below, beside):
    """Return the mean [B] of values [B, C·tiles, windows right, windows down] over the windows in the image.

    Args: which windows of the tiles are in it, `below` [tiles, windows down] and `beside` [tiles, windows right].
    """
    inside = (below[:, None, None, :] & beside[:, :, None]).reshape([-1, *values.shape[2:]])
    inside = np.tile(inside, [values.shape[1] // len(inside), 1, 1])
    return ops.sum(values * ops.convert_to_tensor(inside / inside.sum(), dtype=values.dtype), [1, 2, 3])


@computed_once
def filters(size, window, sigma):
    """Return the Gaussian at every position where it fits into `size` pixels, [positions, size]."""
    return at_every_position(size, 1, gaussian(window, sigma))


def gaussian(window, sigma):
    """Return the Gaussian of width `sigma` about the middle of a window [1, window]; its sum is 1."""
    offsets = np.arange(window) - (window - 1) / 2
    values = np.exp(-(offsets**2) / (2 * sigma**2))
    return values[None] / values.sum()


def along_last_axis(values, rows):
    """Return `rows` [k, n] applied to the last axis of `values` [..., m, n], [..., m, k].

    One product of two plain matrices: batched products of unequal rank are slower (and crash under oneDNN).
    """
    _, *leading, size = ops.shape(values)
    return ops.reshape(times(ops.reshape(values, [-1, size]), rows), [-1, *leading, ops.shape(rows)[0]])


@keras.saving.register_keras_serializable("losses")
class SSIM(ReconstructionLoss):
    """Structural dissimilarity 1 - SSIM, [B], in [0, 2] (the paper's section 3.2, with its sign corrected).

    Args: `window` and `sigma` of the Gaussian in pixels; `k1`, `k2` and `max_val`, the constants of SSIM.

    Raises:
        ValueError: the window is larger than the image.
    """

    def __init__(self, window=11, sigma=1.5, k1=0.01, k2=0.03, max_val=1.0, **kwargs):
        super().__init__(**kwargs)
        self.window, self.sigma = whole("window", window, 1), float(sigma)
        self.k1, self.k2, self.max_val = float(k1), float(k2), float(max_val)

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        found = similarity(image, reconstruction, self.window, self.sigma, self.k1, self.k2, self.max_val)
        return ops.maximum(1 - found, 0)

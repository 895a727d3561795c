"""The discrete Fourier transform of every window of a large image, as one convolution.

Each bin of a window is a filter of window x window pixels, its real and its imaginary part. That costs more products
than matrices do, which transform rows and columns in turn. But it needs no tiles and computes no bin twice or in vain.
"""

import math
from typing import NamedTuple

import numpy as np
from keras import ops

from .dft import computed_once, exponentials, local_bins, module_of, points

# Convolutions are faster in images of more pixels than LARGE, and for windows of up to SMALL pixels. Measured.
LARGE = 48
SMALL = 16


class Windows(NamedTuple):
    """The bins of the DFTs of all windows of images, each of two bins that are conjugate for real images once.

    filters: the blocks of the windows, [blocks down, blocks right, stride², 2·bins]: real parts, imaginary parts.
    frequency: W of each bin [bins], its radial frequency: from 0 at the constant to 1 at the highest.
    counts: how many bins of the whole plane each stands for, [bins].
    stride, offset: the distance of the windows, and where the first starts, (down, right), in pixels.
    inside: 1 for windows in the image, 0 for others, [windows down, windows right].
    """

    filters: np.ndarray
    frequency: np.ndarray
    counts: np.ndarray
    stride: int
    offset: tuple
    inside: np.ndarray

    def spectrum(self, images):
        """Return the real and the imaginary part of the bins of images [B, H, W, C], each [B, C, down, right, bins]."""
        blocks = self.blocks(images)
        filters = ops.convert_to_tensor(self.filters, dtype=images.dtype)
        found = ops.conv(blocks, filters, data_format="channels_last")
        shape = [-1, images.shape[3], *ops.shape(self.inside), 2 * len(self.counts)]
        return ops.split(ops.reshape(found, shape), 2, axis=-1)

    def blocks(self, images):
        """Return the blocks of stride x stride pixels of every channel, [B·C, blocks down, blocks right, stride²].

        They start at the offset. Beyond the image there are zeros. Windows are then one block apart, and the gradient
        of a convolution with stride 1 is as fast as itself.
        """
        batch, _, _, channels = ops.shape(images)
        down, right = (n + k - 1 for n, k in zip(ops.shape(self.inside), self.filters.shape, strict=False))
        sizes = [batch, down * self.stride, right * self.stride, channels]
        # the offset, and what the blocks of a window reach beyond it, are less than a stride each
        beyond = 2 * self.stride
        x = ops.pad(images, [(0, 0), (0, beyond), (0, beyond), (0, 0)])
        x = ops.slice(x, [0, *self.offset, 0], sizes)
        x = ops.reshape(x, [-1, down, self.stride, right, self.stride, channels])
        return ops.reshape(ops.transpose(x, [0, 5, 1, 3, 2, 4]), [-1, down, right, self.stride**2])

    def mean(self, values, weight):
        """Return the mean [B] of weight · values [B, C, down, right, bins] over windows, bins and channels."""
        share = self.inside[:, :, None] / module_of(self.inside).sum(self.inside)
        bins = self.counts * weight / np.sum(self.counts)
        weights = (ops.convert_to_tensor(part, dtype=values.dtype) for part in (share, bins))
        return ops.sum(values * math.prod(weights), [1, 2, 3, 4]) / values.shape[1]


def local_spectra(height, width, window, stride, taper, offset, cutoff, name):
    """Return the Windows or the Bins of all windows of images of height x width pixels, which are faster.

    Args and errors: as of `local_bins`.
    """
    known = isinstance(height, int) and isinstance(width, int)
    if known and min(height, width) > LARGE and window <= SMALL:
        return windows(height, width, window, stride, taper, offset, cutoff)
    return local_bins(height, width, window, stride, taper, offset, cutoff, name)


@computed_once
def windows(height, width, window, stride, taper, offset, cutoff):
    """Return the Windows of images of height x width pixels; args as of `local_bins`."""
    filters, frequency, counts = bins(window, stride, taper, cutoff)
    below, beside = (within(size, window, stride, start) for size, start in zip((height, width), offset, strict=True))
    return Windows(filters, frequency, counts, stride, offset, below[:, None] * beside)


def within(size, window, stride, start):
    """Return 1 for windows from `start` on that are in `size` pixels, else 0, [as many as there would be from 0 on]."""
    xp, count = module_of(start), (size - window) // stride + 1
    return xp.where(start + xp.arange(count) * stride <= size - window, 1.0, 0.0)


def bins(window, stride, taper, cutoff):
    """Return the filters of the bins of a window, cut into blocks, the bins' radial frequencies and their counts."""
    index = np.arange(window**2)
    down, right = np.divmod(index, window)
    mirror = -down % window * window + -right % window
    radius = np.hypot(np.minimum(down, window - down), np.minimum(right, window - right))
    kept = (index <= mirror) & (radius <= cutoff * window)
    wave = taper(window) * exponentials(window, points(window))
    filters = wave[down[kept], :, None] * wave[right[kept], None, :]
    filters = np.concatenate([filters.real, filters.imag])
    return in_blocks(filters, stride), (radius / radius.max())[kept], 1.0 + (index < mirror)[kept]


def in_blocks(filters, stride):
    """Return filters [n, window, window], cut into blocks of stride x stride: [blocks, blocks, stride², n]."""
    count, window, _ = filters.shape
    blocks = -(-window // stride)
    beyond = blocks * stride - window
    padded = np.pad(filters, [(0, 0), (0, beyond), (0, beyond)])
    padded = padded.reshape([count, blocks, stride, blocks, stride])
    return padded.transpose([1, 3, 2, 4, 0]).reshape([blocks, blocks, stride**2, count])

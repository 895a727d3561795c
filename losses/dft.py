"""The discrete Fourier transform of whole images and of every window of them.

A windowed 2-D DFT with a separable window is two matrix products, V x Hᵀ: the rows of V and H are the windowed
complex exponentials of every position. The images are real, so half of the plane of bins determines the rest, and
all arithmetic is real, in float32.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from .base import planes

# The gradient of a phase is 1 / amplitude. Below this amplitude it stays 1 / PHASE_FLOOR.
PHASE_FLOOR = 1e-2


def hann(window):
    """Return the periodic Hann window [window]: ½(1 - cos 2πx/window), 0 ≤ x < window."""
    return 0.5 * (1 - np.cos(2 * np.pi * np.arange(window) / window))


def unit_hann(window):
    """Return the periodic Hann window [window], scaled to norm 1."""
    return hann(window) / np.linalg.norm(hann(window))


def unit_box(window):
    """Return the rectangular window [window] of norm 1: the DFT with it is orthonormal."""
    return np.full(window, window**-0.5)


def exponentials(window, frequencies):
    """Return exp(-2πi f m / window), [frequencies, window], with imaginary parts of exactly 0 where it is real."""
    turns = np.outer(frequencies, np.arange(window)) % window
    return np.round(np.exp(-2j * np.pi * turns / window), 15)


def half_plane(window):
    """Return the frequencies 0 … window/2, and how many bins each stands for: itself and, if it has one, its mirror."""
    half = np.arange(window // 2 + 1)
    return half, np.where((half == 0) | (2 * half == window), 1, 2)


def at_every_position(size, stride, wave):
    """Return the rows of `wave` [frequencies, window] at every position, [positions·frequencies, size].

    Raises:
        ValueError: the window is larger than the image's side, `size`.
    """
    window = wave.shape[1]
    if window > size:
        raise ValueError(f"stft_f: expected a window of at most the image's {size} pixels, got {window}")
    starts = range(0, size - window + 1, stride)
    return np.concatenate([np.pad(wave, [(0, 0), (start, size - window - start)]) for start in starts])


def spectrum(images, vertical, horizontal):
    """Return the real and the imaginary part of V x Hᵀ for every plane x, each [B, C, columns, rows].

    Args: images [B, H, W, C]; complex numpy matrices `vertical`, V [rows, H], and `horizontal`, H [columns, W].
    """
    x = planes(images)
    channels, height, width = x.shape[1:]
    columns = len(horizontal)
    # x Hᵀ, its real part beside its imaginary part and the height innermost. Then the complex product with V is a
    # product of real matrices: with [Re; -Im] for the real part, with [Im; Re] for the imaginary part
    halves = tf.constant(np.concatenate([horizontal.real, horizontal.imag]).T, tf.float32)
    product = tf.reshape(tf.reshape(x, [-1, width]) @ halves, [-1, height, 2, columns])
    product = tf.reshape(tf.transpose(product, [0, 3, 2, 1]), [-1, 2 * height])
    real = tf.constant(np.concatenate([vertical.real, -vertical.imag], axis=1).T, tf.float32)
    imaginary = tf.constant(np.concatenate([vertical.imag, vertical.real], axis=1).T, tf.float32)
    shape = [-1, channels, columns, len(vertical)]
    return tf.reshape(product @ real, shape), tf.reshape(product @ imaginary, shape)


@tf.custom_gradient
def amplitude(real, imaginary):
    """Return √(real² + imaginary²). Its gradient at zero is 0."""
    modulus = tf.sqrt(real**2 + imaginary**2)

    def gradient(upstream):
        unit = tf.math.divide_no_nan(upstream, modulus)
        return unit * real, unit * imaginary

    return modulus, gradient


@tf.custom_gradient
def phase(real, imaginary, floor):
    """Return atan2(imaginary, real), in (-π, π]. Its gradient is at most 1/floor."""

    def gradient(upstream):
        slope = upstream / tf.maximum(real**2 + imaginary**2, floor**2)
        return slope * -imaginary, slope * real, None

    return tf.atan2(imaginary, real), gradient


class Bins(NamedTuple):
    """The bins of the DFTs of all windows, in the layout of the matrices V and H.

    vertical, horizontal: the complex matrices V [rows, H] and H [columns, W] of `spectrum`.
    weight: W of each bin [rows, columns], from 0 to 1.
    counts: how many bins of the whole plane each stands for, [rows, columns].
    """

    vertical: np.ndarray
    horizontal: np.ndarray
    weight: np.ndarray
    counts: np.ndarray

    def spectrum(self, images):
        """Return the real and the imaginary part of the bins of images [B, H, W, C], each [B, C, columns, rows]."""
        return spectrum(images, self.vertical, self.horizontal)

    def sum(self, values):
        """Return the sum [B] of weight · values [B, C, columns, rows] over windows, bins and channels."""
        return tf.reduce_sum(values * tf.constant((self.counts * self.weight).T, tf.float32), [1, 2, 3])

    def mean(self, values):
        """Return the mean [B] of weight · values [B, C, columns, rows] over windows, bins and channels."""
        return self._replace(weight=self.weight / self.counts.sum()).sum(values) / values.shape[1]


def local_bins(height, width, window, stride, taper):
    """Return the Bins of all windows of images of height x width pixels; weight is the radial frequency.

    Weights grow linearly with the radial frequency, from 0 at the constant to 1 at the highest.
    Args: `window` in pixels, None for one window, the whole image; `stride` in pixels; `taper`, a function of the
    window's size that returns the window function.

    Raises:
        ValueError: the window is larger than the image.
    """
    rows, columns = window or height, window or width
    half, counts = half_plane(columns)
    vertical = at_every_position(height, stride, taper(rows) * exponentials(rows, np.arange(rows)))
    horizontal = at_every_position(width, stride, taper(columns) * exponentials(columns, half))
    positions = len(vertical) // rows, len(horizontal) // len(half)
    radius = np.hypot.outer(np.abs(np.fft.fftfreq(rows)), half / columns)
    weight, counts = np.tile(radius / radius.max(), positions), np.tile(counts, (rows * positions[0], positions[1]))
    return Bins(vertical, horizontal, weight, counts)

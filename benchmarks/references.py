"""Plain ways to write the same losses, to measure against; not used by the product."""

import itertools

import numpy as np
import tensorflow as tf

from losses.base import ReconstructionLoss
from losses.dft import PHASE_FLOOR, amplitude, hann, phase


def weighted_difference(spectrum_i, spectrum_o, weights, eps=1e-6):
    """Σ (0.9 |ΔP| + 0.1 |ΔA|) · W over all axes but the first, of complex spectra."""
    parts = [(tf.math.real(spectrum), tf.math.imag(spectrum)) for spectrum in (spectrum_i, spectrum_o)]
    amp = tf.abs(amplitude(*parts[1]) - amplitude(*parts[0]))
    arg = tf.abs(
        phase(parts[1][0] + eps, parts[1][1], PHASE_FLOOR) - phase(parts[0][0] + eps, parts[0][1], PHASE_FLOOR)
    )
    values = (0.9 * arg + 0.1 * amp) * weights
    return tf.reduce_sum(values, list(range(1, values.shape.rank)))


def radial_weights(window):
    """0 at the constant, 1 at the highest radial frequency, [window, window]."""
    frequency = np.abs(np.fft.fftfreq(window))
    radius = np.hypot.outer(frequency, frequency)
    return tf.constant(radius / radius.max(), tf.float32)


class Patches(ReconstructionLoss):
    """`ours` by tf.image.extract_patches, tf.signal.fft2d and tf.image.ssim."""

    window, stride = 16, 4

    def distance(self, image, reconstruction):
        """The loss [B]."""
        spectra = [self.spectrum(x) for x in (image, reconstruction)]
        spectral = weighted_difference(*spectra, radial_weights(self.window))
        return 500 * (1 - tf.image.ssim(image, reconstruction, 1.0)) + 0.0015 * spectral

    def spectrum(self, images):
        """Every window's DFT, [B, rows, columns, window, window]."""
        sizes, strides = [1, self.window, self.window, 1], [1, self.stride, self.stride, 1]
        patches = tf.image.extract_patches(images, sizes, strides, [1, 1, 1, 1], "VALID")
        patches = tf.reshape(patches, [-1, *patches.shape[1:3], self.window, self.window])
        taper = np.outer(hann(self.window), hann(self.window))
        return tf.signal.fft2d(tf.cast(patches * tf.constant(taper, tf.float32), tf.complex64))


class Windows(Patches):
    """`ours` by a Python loop over windows, one DFT and one sum after the other, as the released code loops."""

    def distance(self, image, reconstruction):
        """The loss [B]."""
        size, step = self.window, self.stride
        taper, weights = tf.constant(np.outer(hann(size), hann(size)), tf.float32), radial_weights(size)
        starts = range(0, image.shape[1] - size + 1, step)
        spectral = 0.0
        for top, left in itertools.product(starts, starts):
            cut = (x[:, top : top + size, left : left + size, 0] * taper for x in (image, reconstruction))
            spectral += weighted_difference(
                *(tf.signal.fft2d(tf.cast(window, tf.complex64)) for window in cut), weights
            )
        return 500 * (1 - tf.image.ssim(image, reconstruction, 1.0)) + 0.0015 * spectral

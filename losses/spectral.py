"""Losses on the amplitude and the phase of local spectra.

A windowed 2-D DFT with a separable window is two matrix products, V x Hᵀ: the rows of V and H are
the windowed complex exponentials of every position. Images being real, half of the plane of bins
tells the rest, and everything stays in real float32 arithmetic.
"""

import keras
import numpy as np
import tensorflow as tf

from config.system.errors import UserError
from losses.base import ReconstructionLoss, planes

# Near zero amplitude the gradient of a phase is 1/amplitude; below this amplitude it grows no more.
PHASE_FLOOR = 1e-2


def hann(window):
    """The periodic Hann window [window]: ½(1 - cos 2πx/window), 0 ≤ x < window."""
    return 0.5 * (1 - np.cos(2 * np.pi * np.arange(window) / window))


def at_every_position(size, stride, wave):
    """The rows of `wave` [frequencies, window] at every position, [positions·frequencies, size].

    Raises:
        UserError: the window is larger than the image.
    """
    window = wave.shape[1]
    if window > size:
        raise UserError(f"stft_f: expected a window of at most the image's {size} pixels, got {window}")
    starts = range(0, size - window + 1, stride)
    return np.concatenate([np.pad(wave, [(0, 0), (start, size - window - start)]) for start in starts])


def exponentials(window, frequencies):
    """exp(-2πi f m / window) [frequencies, window], exactly real where it is real."""
    turns = np.outer(frequencies, np.arange(window)) % window
    return np.round(np.exp(-2j * np.pi * turns / window), 15)


def half_plane(window):
    """The frequencies 0 … window/2 that tell all of a real signal's, and how many bins each stands for.

    A bin stands for its mirror image too, unless it is its own.
    """
    half = np.arange(window // 2 + 1)
    return half, np.where((half == 0) | (2 * half == window), 1, 2)


def spectrum(images, vertical, horizontal):
    """Real and imaginary parts of V x Hᵀ for every plane x, each [B, C, columns, rows].

    Args: images [B, H, W, C]; complex numpy matrices `vertical` [rows, H], `horizontal` [columns, W].
    """
    x = planes(images)
    channels, height, width = x.shape[1:]
    columns = len(horizontal)
    # the real part and, beside it, the imaginary part of x Hᵀ, with the height innermost: then the
    # complex product with V is a plain product with [Re; -Im] for the real part and [Im; Re]
    halves = tf.constant(np.concatenate([horizontal.real, horizontal.imag]).T, tf.float32)
    product = tf.reshape(tf.reshape(x, [-1, width]) @ halves, [-1, height, 2, columns])
    product = tf.reshape(tf.transpose(product, [0, 3, 2, 1]), [-1, 2 * height])
    real = tf.constant(np.concatenate([vertical.real, -vertical.imag], axis=1).T, tf.float32)
    imaginary = tf.constant(np.concatenate([vertical.imag, vertical.real], axis=1).T, tf.float32)
    shape = [-1, channels, columns, len(vertical)]
    return tf.reshape(product @ real, shape), tf.reshape(product @ imaginary, shape)


@tf.custom_gradient
def amplitude(real, imaginary):
    """√(real² + imaginary²); its gradient at zero is 0."""
    modulus = tf.sqrt(real**2 + imaginary**2)

    def gradient(upstream):
        unit = tf.math.divide_no_nan(upstream, modulus)
        return unit * real, unit * imaginary

    return modulus, gradient


@tf.custom_gradient
def phase(real, imaginary, floor):
    """atan2(imaginary, real) in (-π, π]; its gradient is at most 1/floor."""

    def gradient(upstream):
        slope = upstream / tf.maximum(real**2 + imaginary**2, floor**2)
        return slope * -imaginary, slope * real, None

    return tf.atan2(imaginary, real), gradient


@keras.saving.register_keras_serializable("losses")
class STFT(ReconstructionLoss):
    """Distance of short-time spectra, [B]: Σ (arg_coef·|P_o - P_i| + amp_coef·|A_o - A_i|)·W.

    A and P are amplitude and phase (radians, in (-π, π], differences not wrapped) of the 2-D DFT
    in every Hann window, all bins; W grows linearly with the radial frequency, from 0 at the
    constant to 1 at the highest. The sum runs over windows, bins and channels. Source: the paper's
    section 3.1, with λ = arg_coef / amp_coef.

    Args: `window` and `stride` in pixels; `amp_coef`, `arg_coef`; `eps`, added to the real part
    before the phase is taken, so that nothing has phase 0; `hann=False` for a rectangular window.

    Raises:
        UserError: the window is larger than the image.
    """

    def __init__(self, window=16, stride=4, amp_coef=0.1, arg_coef=0.9, eps=1e-6, hann=True, **kwargs):
        super().__init__(**kwargs)
        self.window, self.stride, self.hann = window, stride, hann
        self.amp_coef, self.arg_coef, self.eps = amp_coef, arg_coef, eps

    def distance(self, image, reconstruction):
        """The loss of each pair [B]."""
        vertical, horizontal, weights = self.bases(*image.shape[1:3])
        spectra = [self.transform(images, vertical, horizontal) for images in (image, reconstruction)]
        return tf.reduce_sum(self.bin_distance(*spectra) * tf.constant(weights.T, tf.float32), [1, 2, 3])

    def bin_distance(self, image, reconstruction):
        """arg_coef·|P_o - P_i| + amp_coef·|A_o - A_i| of two spectra (real, imaginary), bin by bin."""
        amp = amplitude(*reconstruction) - amplitude(*image)
        phases = (phase(real + self.eps, imaginary, PHASE_FLOOR) for real, imaginary in (image, reconstruction))
        arg = self.phase_difference(*phases)
        return self.arg_coef * tf.abs(arg) + self.amp_coef * tf.abs(amp)

    def phase_difference(self, phase_i, phase_o):
        """The difference of two phases, radians, as it is."""
        return phase_o - phase_i

    def transform(self, images, vertical, horizontal):
        """The spectrum that is compared."""
        return spectrum(images, vertical, horizontal)

    def bases(self, height, width):
        """The matrices V and H of `spectrum` and the weights [rows of V, rows of H]."""
        rows, columns = self.window or height, self.window or width
        half, counts = half_plane(columns)
        vertical = at_every_position(height, self.stride, self.taper(rows) * exponentials(rows, np.arange(rows)))
        horizontal = at_every_position(width, self.stride, self.taper(columns) * exponentials(columns, half))
        radius = np.hypot.outer(np.abs(np.fft.fftfreq(rows)), half / columns)
        weights = counts * radius / radius.max()
        return vertical, horizontal, np.tile(weights, (len(vertical) // rows, len(horizontal) // len(half)))

    def taper(self, window):
        """The window function [window]."""
        return hann(window) if self.hann else np.ones(window)

    def get_config(self):
        """The constructor's arguments."""
        names = ("window", "stride", "amp_coef", "arg_coef", "eps", "hann")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("losses")
class WrappedSTFT(STFT):
    """The STFT distance with differences of phase wrapped to [-π, π], [B]: the short way round the circle."""

    def phase_difference(self, phase_i, phase_o):
        """The difference of two phases, wrapped."""
        raw = phase_o - phase_i
        return raw - 2 * np.pi * tf.round(raw / (2 * np.pi))


@keras.saving.register_keras_serializable("losses")
class DFT(STFT):
    """Distance of global spectra, [B]: STFT with one window, the whole image.

    The Hann window matters here too. Without it, a bright pixel in the first row and column adds the
    same positive number to every bin, which draws all phases to 0, where raw differences from
    unknown phases are least on average: the decoder learns to put one there.
    """

    def __init__(self, amp_coef=0.1, arg_coef=0.9, eps=1e-6, hann=True, **kwargs):
        super().__init__(None, 1, amp_coef, arg_coef, eps, hann, **kwargs)

    def get_config(self):
        """The constructor's arguments."""
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("window", "stride")}


@keras.saving.register_keras_serializable("losses")
class ReleasedSTFT(STFT):
    """What the author's released code sums in place of the paper's STFT, [B].

    In square windows without a taper it takes the DFT over columns and channels (not rows), keeps
    the first half of the rows and of the column frequencies, and weights each by the product of
    two ramps from 0 to 1, so the first row and the constant count nothing.
    """

    def __init__(self, window=16, stride=4, amp_coef=0.1, arg_coef=0.9, eps=1e-6, **kwargs):
        super().__init__(window, stride, amp_coef, arg_coef, eps, hann=False, **kwargs)

    def bases(self, height, width):
        """The matrices and the weights of the corner that the released code keeps."""
        half = self.window // 2
        vertical = at_every_position(height, self.stride, np.eye(half, self.window, dtype=complex))
        horizontal = at_every_position(width, self.stride, exponentials(self.window, np.arange(half)))
        ramp = np.linspace(0, 1, half)
        weights = np.outer(ramp, ramp)
        return vertical, horizontal, np.tile(weights, (len(vertical) // half, len(horizontal) // half))

    def transform(self, images, vertical, horizontal):
        """The spectrum over the columns, then the DFT over the channels."""
        real, imaginary = spectrum(images, vertical, horizontal)
        channels = real.shape[1]
        if channels == 1:
            return real, imaginary
        wave = exponentials(channels, np.arange(channels))
        cos, sin = tf.constant(wave.real, tf.float32), tf.constant(wave.imag, tf.float32)

        def mix(matrix, values):
            return tf.einsum("kc,bcvu->bkvu", matrix, values)

        return mix(cos, real) - mix(sin, imaginary), mix(cos, imaginary) + mix(sin, real)

    def get_config(self):
        """The constructor's arguments."""
        config = super().get_config()
        return {name: value for name, value in config.items() if name != "hann"}

"""The spectral loss as it might have been meant."""

import keras
import numpy as np
import tensorflow as tf

from losses.spectral import PHASE_FLOOR, STFT, amplitude, hann, phase

# where the reconstruction's amplitude is below this share of the image's, the phase's gradient grows no more
SHARE = 0.1


@keras.saving.register_keras_serializable("losses")
class CorrectedSTFT(STFT):
    """Distance of short-time spectra, [B]: mean of (arg_coef·A_i·|Δ| + amp_coef·|A_o - A_i|)·W.

    Δ is the phase of F_o·conj(F_i), in (-π, π]: a difference of phases, wrapped. It counts as
    much as there is amplitude A_i in the image; where there is none, a phase is chance. W grows
    linearly with the radial frequency, from 0 at the constant to 1 at the highest. The mean is over
    windows, bins and channels, and the Hann window has norm 1, so amplitudes are in units of the
    image's intensity: window and stride leave the weight against other terms as it is.

    The gradient is bounded: at most arg_coef / SHARE + amp_coef for each bin.

    Args: `window` and `stride` in pixels; `amp_coef`, `arg_coef`.

    Raises:
        UserError: the window is larger than the image.
    """

    def __init__(
        self,
        window=16,
        stride=4,
        amp_coef=0.1,
        arg_coef=0.9,
        name=None,
        reduction="sum_over_batch_size",
        dtype=None,
    ):
        super().__init__(window, stride, amp_coef, arg_coef, name=name, reduction=reduction, dtype=dtype)

    def distance(self, image, reconstruction):
        """The loss of each pair [B]."""
        return super().distance(image, reconstruction) / image.shape[-1]

    def bin_distance(self, image, reconstruction):
        """arg_coef·A_i·|Δ| + amp_coef·|A_o - A_i| of two spectra (real, imaginary), bin by bin."""
        (real_i, imaginary_i), (real_o, imaginary_o) = image, reconstruction
        amplitude_i = amplitude(*image)
        amp = amplitude(*reconstruction) - amplitude_i
        # F_o turned by the image's phase
        cos, sin = tf.math.divide_no_nan(real_i, amplitude_i), tf.math.divide_no_nan(imaginary_i, amplitude_i)
        floor = tf.maximum(SHARE * amplitude_i, PHASE_FLOOR)
        difference = phase(real_o * cos + imaginary_o * sin, imaginary_o * cos - real_o * sin, floor)
        return self.arg_coef * amplitude_i * tf.abs(difference) + self.amp_coef * tf.abs(amp)

    def bases(self, height, width):
        """The matrices V and H of `spectrum` and the weights [rows of V, rows of H] of a mean over all bins."""
        vertical, horizontal, weights = super().bases(height, width)
        # the half-plane stands for as many bins as there are rows of V times positions of H times the window
        bins = len(vertical) * len(horizontal) // (self.window // 2 + 1) * self.window
        return vertical, horizontal, weights / bins

    def taper(self, window):
        """The window function [window], of norm 1."""
        return hann(window) / np.linalg.norm(hann(window))

    def get_config(self):
        """The constructor's arguments."""
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("eps", "hann")}

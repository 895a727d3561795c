"""Losses that compare spectra, of local windows or of the whole image.

F_i and F_o are the spectra of the image and of its reconstruction, A their amplitudes, P their phases (radians), and
W a weight that grows linearly with the radial frequency, from 0 at the constant to 1 at the highest. Each loss is
a variant of one equation:

    STFT             sum of (arg_coef·|P_o - P_i| + amp_coef·|A_o - A_i|)·W over all windows, bins and channels
    WrappedSTFT      STFT, and P_o - P_i is wrapped to [-π, π]
    DFT              STFT with one window, the whole image
    ReleasedSTFT     STFT over the bins, and with the weights, of the code that the paper's author released
    CorrectedSTFT    mean of (arg_coef·A_i·|wrapped P_o - P_i| + amp_coef·|A_o - A_i|)·W
    FocalFrequency   mean of |F_o - F_i|²·w of the whole image, where w is largest for the bin that differs most

STFT and DFT are those of the paper's section 3.1, with λ = arg_coef / amp_coef.
"""

import keras
import numpy as np
from keras import ops

from .base import ReconstructionLoss, whole
from .dft import (
    PHASE_FLOOR,
    Bins,
    amplitude,
    at_every_position,
    box,
    global_bins,
    hann,
    local_bins,
    module_of,
    phase,
    unit_box,
    unit_hann,
    wave,
)

# Below this share of the image's amplitude, a smaller amplitude of the reconstruction makes no steeper phase gradient.
SHARE = 0.1


@keras.saving.register_keras_serializable("losses")
class STFT(ReconstructionLoss):
    """Distance of short-time spectra, [B]: Σ (arg_coef·|P_o - P_i| + amp_coef·|A_o - A_i|)·W.

    Phases are in (-π, π] and their differences are not wrapped. The sum is over windows, bins and channels.

    Args: `window` and `stride` in pixels; `amp_coef` and `arg_coef`, the weights of amplitudes and phases; `eps`,
    added to the real part before a phase is taken, so that zero has the phase 0; `hann=False` for a rectangular
    window.

    Raises:
        ValueError: the window is larger than the image.
    """

    def __init__(self, window=16, stride=4, amp_coef=0.1, arg_coef=0.9, eps=1e-6, hann=True, **kwargs):
        super().__init__(**kwargs)
        self.window, self.stride, self.hann = whole("window", window, 2), whole("stride", stride, 1), bool(hann)
        self.amp_coef, self.arg_coef, self.eps = float(amp_coef), float(arg_coef), float(eps)

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        bins = local_bins(*ops.shape(image)[1:3], self.window, self.stride, hann if self.hann else box)
        f_i, f_o = bins.spectrum(image), bins.spectrum(reconstruction)
        turned, grown = phase_difference(f_i, f_o, self.eps), amplitude(*f_o) - amplitude(*f_i)
        return bins.sum(self.arg_coef * ops.abs(turned) + self.amp_coef * ops.abs(grown), bins.frequency)


@keras.saving.register_keras_serializable("losses")
class WrappedSTFT(STFT):
    """STFT with differences of phase wrapped to [-π, π], [B]: the short way round the circle."""

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        bins = local_bins(*ops.shape(image)[1:3], self.window, self.stride, hann if self.hann else box)
        f_i, f_o = bins.spectrum(image), bins.spectrum(reconstruction)
        turned, grown = phase_difference(f_i, f_o, self.eps), amplitude(*f_o) - amplitude(*f_i)
        turned = turned - 2 * np.pi * ops.round(turned / (2 * np.pi))
        return bins.sum(self.arg_coef * ops.abs(turned) + self.amp_coef * ops.abs(grown), bins.frequency)


@keras.saving.register_keras_serializable("losses")
class DFT(ReconstructionLoss):
    """Distance of global spectra, [B]: STFT with one window, the whole image.

    The paper has no window here (`hann=False`). Without one, a bright pixel in the first row and column adds the
    same positive number to every bin. It pulls all phases to 0, where raw differences from unknown phases are
    least on average, so the decoder learns to put a bright pixel there.

    Args: as of STFT.
    """

    def __init__(self, amp_coef=0.1, arg_coef=0.9, eps=1e-6, hann=True, **kwargs):
        super().__init__(**kwargs)
        self.amp_coef, self.arg_coef, self.eps, self.hann = float(amp_coef), float(arg_coef), float(eps), bool(hann)

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        bins = global_bins(*ops.shape(image)[1:3], hann if self.hann else box)
        f_i, f_o = bins.spectrum(image), bins.spectrum(reconstruction)
        turned, grown = phase_difference(f_i, f_o, self.eps), amplitude(*f_o) - amplitude(*f_i)
        return bins.sum(self.arg_coef * ops.abs(turned) + self.amp_coef * ops.abs(grown), bins.frequency)


@keras.saving.register_keras_serializable("losses")
class ReleasedSTFT(ReconstructionLoss):
    """What the author's released code computes in place of the paper's STFT, [B].

    In square windows without a window function, the code takes the DFT over columns and channels (not rows). It
    keeps the first half of the rows and of the column frequencies and weights each by the product of two ramps from
    0 to 1, so the first row and the constant count nothing.

    Args: as of STFT.

    Raises:
        ValueError: the window is larger than the image.
    """

    def __init__(self, window=16, stride=4, amp_coef=0.1, arg_coef=0.9, eps=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.window, self.stride = whole("window", window, 2), whole("stride", stride, 1)
        self.amp_coef, self.arg_coef, self.eps = float(amp_coef), float(arg_coef), float(eps)

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        bins = released_bins(*ops.shape(image)[1:3], self.window, self.stride)
        f_i, f_o = dft_of_channels(*bins.spectrum(image)), dft_of_channels(*bins.spectrum(reconstruction))
        turned, grown = phase_difference(f_i, f_o, self.eps), amplitude(*f_o) - amplitude(*f_i)
        return bins.sum(self.arg_coef * ops.abs(turned) + self.amp_coef * ops.abs(grown), bins.frequency)


@keras.saving.register_keras_serializable("losses")
class CorrectedSTFT(ReconstructionLoss):
    """Distance of short-time spectra, [B]: mean of (arg_coef·A_i·|Δ| + amp_coef·|A_o - A_i|)·W.

    Δ is the phase of F_o·conj(F_i), in (-π, π], which is P_o - P_i wrapped. It counts in proportion to the
    amplitude A_i of the image: where A_i is 0, the phase is arbitrary. The mean is over windows, bins and channels,
    and the Hann window has norm 1, so amplitudes are in units of the image's intensity. Hence window and stride
    need no other weight beside other terms. The gradient of each bin is at most arg_coef / SHARE + amp_coef.

    Args: `window` and `stride` in pixels; `amp_coef` and `arg_coef`, the weights of amplitudes and phases.

    Raises:
        ValueError: the window is larger than the image.
    """

    def __init__(self, window=16, stride=4, amp_coef=0.1, arg_coef=0.9, **kwargs):
        super().__init__(**kwargs)
        self.window, self.stride = whole("window", window, 2), whole("stride", stride, 1)
        self.amp_coef, self.arg_coef = float(amp_coef), float(arg_coef)

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        bins = local_bins(*ops.shape(image)[1:3], self.window, self.stride, unit_hann)
        f_i, f_o = bins.spectrum(image), bins.spectrum(reconstruction)
        a_i = amplitude(*f_i)
        turned, grown = relative_phase(f_i, f_o, a_i), amplitude(*f_o) - a_i
        return bins.mean(self.arg_coef * a_i * ops.abs(turned) + self.amp_coef * ops.abs(grown), bins.frequency)


@keras.saving.register_keras_serializable("losses")
class FocalFrequency(ReconstructionLoss):
    """Focal frequency loss, [B]: mean of w·|F_o - F_i|² over bins and channels.

    F is the orthonormal DFT of a whole channel. w is |F_o - F_i|^alpha divided by its largest value in the
    channel, so the bins that differ most count most; no gradient flows through it. As w is at most 1, the loss is
    at most `l2` (Parseval). Source: Jiang, Dai, Wu and Loy 2021, section 3; the maximum per channel is from the
    authors' code.

    Args: `alpha`; 0 gives every bin the weight 1.
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        bins = global_bins(*ops.shape(image)[1:3], unit_box)
        real, imaginary = bins.spectrum(reconstruction - image)
        squared = real**2 + imaginary**2
        fixed = ops.stop_gradient(squared)
        focus = ops.divide_no_nan(fixed, ops.max(fixed, [2, 3], keepdims=True)) ** (self.alpha / 2)
        return bins.mean(focus * squared, 1)


def phase_difference(f_i, f_o, eps):
    """Return P_o - P_i, radians, of two spectra (real, imaginary); `eps` is added to the real parts first."""
    floor = ops.convert_to_tensor(PHASE_FLOOR, dtype=f_i[0].dtype)
    p_i, p_o = (phase(real + eps, imaginary, floor) for real, imaginary in (f_i, f_o))
    return p_o - p_i


def relative_phase(f_i, f_o, a_i):
    """Return the phase of F_o·conj(F_i), radians in (-π, π]; `a_i` is the amplitude of F_i."""
    (real_i, imaginary_i), (real_o, imaginary_o) = f_i, f_o
    cos, sin = ops.divide_no_nan(real_i, a_i), ops.divide_no_nan(imaginary_i, a_i)
    floor = ops.maximum(SHARE * a_i, PHASE_FLOOR)
    return phase(real_o * cos + imaginary_o * sin, imaginary_o * cos - real_o * sin, floor)


def released_bins(height, width, window, stride):
    """Return the Bins that the released code keeps: DFTs of columns, the first half of each axis, and its weights."""
    half, xp = window // 2, module_of(height, width)
    rows, columns = np.eye(half, window), wave(window, np.arange(half))
    vertical = at_every_position(height, stride, rows), at_every_position(height, stride, 0 * rows)
    horizontal = tuple(at_every_position(width, stride, part) for part in columns)
    ramp = np.linspace(0, 1, half)
    positions = [(size - window) // stride + 1 for size in (width, height)]
    weight = xp.tile(np.outer(ramp, ramp), positions)
    return Bins(vertical, horizontal, weight, xp.ones_like(weight))


def dft_of_channels(real, imaginary):
    """Return the DFT over the channels of a spectrum, its parts [B, C, columns, rows]."""
    channels = real.shape[1]
    if channels == 1:
        return real, imaginary
    cos, sin = (ops.convert_to_tensor(part, dtype=real.dtype) for part in wave(channels, np.arange(channels)))

    def mix(matrix, values):
        return ops.einsum("kc,bcvu->bkvu", matrix, values)

    return mix(cos, real) - mix(sin, imaginary), mix(cos, imaginary) + mix(sin, real)

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

STFT and DFT are those of the paper's section 3.1, with λ = arg_coef / amp_coef. The next four are means over windows
of several sizes:

    Amplitude            mean of |A_o - A_i|·W over the lower half of the frequencies
    MaskedAmplitude      √mean of ((A_o - A_i) / T)², where T grows with A_i: contrast masks differences
    LogSpectral          |A_o - A_i| relative to A_i: the norm of the difference, and the mean of its logarithm
    MultiscaleCorrected  CorrectedSTFT
"""

import copy

import keras
import numpy as np
from keras import ops

from .base import ReconstructionLoss, whole
from .dft import (
    PHASE_FLOOR,
    Bins,
    amplitude,
    at_all,
    box,
    computed_once,
    global_bins,
    hann,
    local_bins,
    phase,
    root,
    unit_box,
    unit_hann,
    wave,
)
from .tiles import uncut
from .windows import local_spectra

# Below this share of the image's amplitude, a smaller amplitude of the reconstruction makes no steeper phase gradient.
SHARE = 0.1
# the R2 sequence (Roberts 2018): the multiples of these fractions, modulo 1, fill a square evenly
PARTS = 32768
R2 = (24735, 18673)


@keras.saving.register_keras_serializable("losses")
class STFT(ReconstructionLoss):
    """Distance of short-time spectra, [B]: Σ (arg_coef·|P_o - P_i| + amp_coef·|A_o - A_i|)·W.

    Phases are in (-π, π] and their differences are not wrapped. The sum is over windows, bins and channels.

    Args: `window` and `stride` in pixels; `amp_coef` and `arg_coef`, the weights of amplitudes and phases; `eps`,
    added to the real part before a phase is taken, so that zero has the phase 0; `hann=False` for a rectangular
    window.

    Raises:
        ValueError: the window is larger than the image, or window or stride is not a whole number, at least 2 and 1.
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

    Args: `amp_coef`, `arg_coef`, `eps` and `hann`, as of STFT.
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

    In square windows without a window function, the code takes the DFT along rows and over channels. It keeps the
    first half of the rows and of the frequencies and weights each by the product of two ramps from 0 to 1, so the
    first row and the constant count nothing.

    Args: as of STFT, without `hann`.

    Raises:
        ValueError: the window is larger than the image, or window or stride is not a whole number, at least 2 and 1.
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
        ValueError: the window is larger than the image, or window or stride is not a whole number, at least 2 and 1.
    """

    def __init__(self, window=16, stride=4, amp_coef=0.1, arg_coef=0.9, **kwargs):
        super().__init__(**kwargs)
        self.window, self.stride = whole("window", window, 2), whole("stride", stride, 1)
        self.amp_coef, self.arg_coef = float(amp_coef), float(arg_coef)

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        bins = local_bins(*ops.shape(image)[1:3], self.window, self.stride, unit_hann)
        f_i, f_o = bins.spectrum(image), bins.spectrum(reconstruction)
        return bins.mean(corrected_difference(f_i, f_o, self.amp_coef, self.arg_coef), bins.frequency)


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


class MultiResolution(ReconstructionLoss):
    """Mean over windows of several sizes of a distance of local spectra, [B]. A subclass writes `compare`.

    The Hann windows have norm 1, so amplitudes are in units of the image's intensity, whatever the window. With
    `moving_grid`, `at_step` moves the grid of windows, so that no pixel always lies at a window's edge.

    Args: `windows` and `strides` in pixels, a list each; `moving_grid`.

    Raises:
        ValueError: there are not as many strides as windows, or a window is larger than the image.
    """

    # where the grid of windows stands; None: at the image's corner
    step = None
    # bins of a higher radial frequency, cycles per pixel, do not count
    cutoff = 1.0

    def __init__(self, windows, strides, moving_grid=True, **kwargs):
        super().__init__(**kwargs)
        self.windows = [whole("windows", window, 2) for window in np.ravel(windows).tolist()]
        self.strides = [whole("strides", stride, 1) for stride in np.ravel(strides).tolist()]
        self.moving_grid = bool(moving_grid)
        if not self.windows or len(self.windows) != len(self.strides):
            raise ValueError(f"strides: expected one for each of the windows {self.windows}, got {self.strides}")

    def at_step(self, step):
        """Return this loss with its grid where it stands in the training step `step`, an int or a tensor."""
        moved = copy.copy(self)
        moved.step = step if self.moving_grid else None
        return moved

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        height, width = ops.shape(image)[1:3]
        values = []
        for window, stride in zip(self.windows, self.strides, strict=True):
            offset = grid_offset(self.step, height - window, width - window, stride)
            bins = local_spectra(height, width, window, stride, unit_hann, offset, self.cutoff, "windows")
            values.append(self.compare(bins, bins.spectrum(image), bins.spectrum(reconstruction)))
        return sum(values) / len(values)

    def compare(self, bins, f_i, f_o):
        """Return the distance [B] of the spectra of image and reconstruction in windows of one size."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("losses")
class Amplitude(MultiResolution):
    """Distance of local amplitudes, [B]: mean of |A_o - A_i|·W over windows, bins up to a cutoff, and channels.

    A blur lowers amplitudes and leaves phases almost as they are. A shift turns phases and leaves amplitudes almost
    as they are. So this loss charges blur more than misplacement.

    The highest frequencies are left out, because a dot has them all: a decoder that may not know where an edge is
    would put dots into the middle of the windows.

    Args and errors: as of MultiResolution, and `cutoff`, the highest radial frequency that counts, cycles per pixel.
    """

    def __init__(self, windows=(16, 8, 4), strides=(4, 4, 2), cutoff=0.25, moving_grid=True, **kwargs):
        super().__init__(windows, strides, moving_grid, **kwargs)
        self.cutoff = float(cutoff)

    def compare(self, bins, f_i, f_o):
        """Return the mean of |A_o - A_i|·W, [B]."""
        return bins.mean(ops.abs(amplitude(*f_o) - amplitude(*f_i)), bins.frequency)


@keras.saving.register_keras_serializable("losses")
class MaskedAmplitude(MultiResolution):
    """Visible distance of local amplitudes, [B]: √mean of ((A_o - A_i) / T)², T = max(t, A_i^.7·t^.3).

    The eye tolerates a larger difference where there is more contrast, so T grows with the amplitude A_i of the image;
    no gradient flows through it. The mean is over windows, bins and channels. Source: the contrast masking of
    Watson-DFT (Czolbe, Krause, Cox and Igel 2020), without its phases and its learned weights.

    Args and errors: as of MultiResolution, and `threshold`, t, in units of the image's intensity.
    """

    def __init__(self, windows=(8,), strides=(4,), threshold=0.05, moving_grid=True, **kwargs):
        super().__init__(windows, strides, moving_grid, **kwargs)
        self.threshold = float(threshold)

    def compare(self, bins, f_i, f_o):
        """Return √mean of ((A_o - A_i) / T)², [B]."""
        a_i, t = amplitude(*f_i), self.threshold
        # max(t, A_i^0.7 t^0.3), without a power, which takes longer than a logarithm and an exponential
        visible = t * ops.exp(0.7 * ops.log(ops.maximum(1.0, ops.stop_gradient(a_i) / t)))
        return root(bins.mean(((amplitude(*f_o) - a_i) / visible) ** 2, 1))


@keras.saving.register_keras_serializable("losses")
class LogSpectral(MultiResolution):
    """Multi-resolution log-spectral distance, [B]: ‖A_o - A_i‖ / ‖A_i‖ + mean of |log(A_o + t) - log(A_i + t)|.

    The norm is over windows, bins and channels of one window's size, and ‖A_i‖ is at least that of amplitudes of t.
    Source: the spectral convergence and the log magnitude of Yamamoto, Song and Kim 2020, for audio. Theirs have no
    t; it bounds the gradient where an image is blank.

    Args and errors: as of MultiResolution, and `threshold`, t, in units of the image's intensity.
    """

    def __init__(self, windows=(16, 8, 4), strides=(8, 4, 2), threshold=0.05, moving_grid=True, **kwargs):
        super().__init__(windows, strides, moving_grid, **kwargs)
        self.threshold = float(threshold)

    def compare(self, bins, f_i, f_o):
        """Return the spectral convergence plus the mean difference of logarithms, [B]."""
        a_i, a_o, t = amplitude(*f_i), amplitude(*f_o), self.threshold
        convergence = root(bins.mean((a_o - a_i) ** 2, 1)) / ops.maximum(root(bins.mean(a_i**2, 1)), t)
        return convergence + bins.mean(ops.abs(ops.log((a_o + t) / (a_i + t))), 1)


@keras.saving.register_keras_serializable("losses")
class MultiscaleCorrected(MultiResolution):
    """CorrectedSTFT over windows of several sizes, [B]: mean of (arg_coef·A_i·|Δ| + amp_coef·|A_o - A_i|)·W.

    Args and errors: as of MultiResolution, and `amp_coef` and `arg_coef`, the weights of amplitudes and phases.
    """

    def __init__(self, windows=(16, 8, 4), strides=(8, 4, 2), amp_coef=0.1, arg_coef=0.9, moving_grid=True, **kwargs):
        super().__init__(windows, strides, moving_grid, **kwargs)
        self.amp_coef, self.arg_coef = float(amp_coef), float(arg_coef)

    def compare(self, bins, f_i, f_o):
        """Return the mean of (arg_coef·A_i·|Δ| + amp_coef·|A_o - A_i|)·W, [B]."""
        return bins.mean(corrected_difference(f_i, f_o, self.amp_coef, self.arg_coef), bins.frequency)


def grid_offset(step, down, right, stride):
    """Return where the grid of windows starts in the training step `step`, pixels (down, right); (0, 0) if it is None.

    The offsets of successive steps fill [0, stride)² evenly: Roberts' R2 sequence, so they need no generator whose
    state would have to be saved. Args: `down`, `right`, how far the first window can move in the image, pixels.
    """
    if step is None:
        return 0, 0
    step = step if isinstance(step, int) else ops.cast(step, "int32")
    fractions = (step % PARTS * part % PARTS for part in R2)
    rooms = (
        min(stride, room + 1) if isinstance(room, int) else ops.minimum(stride, room + 1) for room in (down, right)
    )
    return tuple(fraction * room // PARTS for fraction, room in zip(fractions, rooms, strict=True))


def corrected_difference(f_i, f_o, amp_coef, arg_coef):
    """Return arg_coef·A_i·|Δ| + amp_coef·|A_o - A_i| of two spectra, bin by bin; Δ is P_o - P_i, wrapped."""
    a_i = amplitude(*f_i)
    turned, grown = relative_phase(f_i, f_o, a_i), amplitude(*f_o) - a_i
    return arg_coef * a_i * ops.abs(turned) + amp_coef * ops.abs(grown)


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


@computed_once
def released_bins(height, width, window, stride):
    """Return the Bins that the released code keeps: DFTs along rows, the first half of each axis, and its weights."""
    half = window // 2
    rows, ramp = np.eye(half, window), np.linspace(0, 1, half)
    vertical, horizontal = (rows, 0 * rows), wave(window, np.arange(half))
    one = Bins(vertical, horizontal, np.outer(ramp, ramp), np.ones([half, half]), uncut(window), uncut(window))
    return at_all(one, height, width, stride)


def dft_of_channels(real, imaginary):
    """Return the DFT over the channels of a spectrum, its parts [B, C, columns, rows]."""
    channels = real.shape[1]
    if channels == 1:
        return real, imaginary
    cos, sin = (ops.convert_to_tensor(part, dtype=real.dtype) for part in wave(channels, np.arange(channels)))

    def mix(matrix, values):
        return ops.einsum("kc,bcvu->bkvu", matrix, values)

    return mix(cos, real) - mix(sin, imaginary), mix(cos, imaginary) + mix(sin, real)

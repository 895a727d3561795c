"""Independent definitions in plain float64 numpy: loops over windows and np.fft, nothing shared with the product."""

import numpy as np

EPS = 1e-6


def stft(x, y, window=16, stride=4, amp_coef=0.1, arg_coef=0.9, hann=True, wrapped=False):
    """The paper's spectral loss [B] of images [B, H, W, C]: all bins of 2-D DFTs of Hann windows."""
    position = np.arange(window)
    taper = 0.25 * np.outer(1 - np.cos(2 * np.pi * position / window), 1 - np.cos(2 * np.pi * position / window))
    taper = taper if hann else np.ones((window, window))
    frequency = np.minimum(position, window - position)
    weight = np.sqrt(frequency[:, None] ** 2 + frequency[None, :] ** 2)
    weight = weight / weight.max()
    total = np.zeros(len(x))
    for i in range(0, x.shape[1] - window + 1, stride):
        for j in range(0, x.shape[2] - window + 1, stride):
            for c in range(x.shape[3]):
                parts = [a[:, i : i + window, j : j + window, c].astype(float) * taper for a in (x, y)]
                f, g = (np.fft.fft2(part, axes=(1, 2)) for part in parts)
                total += (polar_difference(f, g, amp_coef, arg_coef, wrapped) * weight).sum((1, 2))
    return total


def released(x, y, window=16, stride=4, amp_coef=0.1, arg_coef=0.9):
    """The released code's spectral loss [B]: the DFT over the last two axes, (W, C), and a corner of it."""
    half = window // 2
    ramp = np.linspace(0, 1, half)
    weight = np.outer(ramp, ramp)[:, :, None]
    total = np.zeros(len(x))
    for i in range(0, x.shape[1] - window + 1, stride):
        for j in range(0, x.shape[2] - window + 1, stride):
            f, g = (
                np.fft.fft2(a[:, i : i + window, j : j + window, :].astype(float), axes=(2, 3))[:, :half, :half]
                for a in (x, y)
            )
            total += (polar_difference(f, g, amp_coef, arg_coef) * weight).sum((1, 2, 3))
    return total


def corrected(x, y, window=16, stride=4, amp_coef=0.1, arg_coef=0.9):
    """The corrected spectral loss [B]: a mean over every bin, one window and channel after the other."""
    position = np.arange(window)
    taper = np.outer(*2 * [np.sin(np.pi * position / window) ** 2])
    taper /= np.sqrt((taper**2).sum())
    radius = np.array([[np.hypot(min(i, window - i), min(j, window - j)) for j in position] for i in position])
    values = []
    for i in range(0, x.shape[1] - window + 1, stride):
        for j in range(0, x.shape[2] - window + 1, stride):
            for c in range(x.shape[3]):
                f, g = (np.fft.fft2(a[:, i : i + window, j : j + window, c].astype(float) * taper) for a in (x, y))
                turned = short_way(np.angle(g) - np.angle(f))
                value = arg_coef * abs(f) * turned + amp_coef * abs(abs(g) - abs(f))
                values.append((value * radius / radius.max()).mean((1, 2)))
    return np.mean(values, axis=0)


def local_amplitudes(x, window, stride, offset=(0, 0)):
    """The amplitudes [positions, B, window, window] of images in Hann windows of norm 1, a channel after the other."""
    taper = np.hanning(window + 1)[:-1]
    taper = np.outer(taper, taper) / (taper**2).sum()
    return np.array(
        [
            abs(np.fft.fft2(x[:, i : i + window, j : j + window, c].astype(float) * taper))
            for i in range(offset[0], x.shape[1] - window + 1, stride)
            for j in range(offset[1], x.shape[2] - window + 1, stride)
            for c in range(x.shape[3])
        ]
    )


def over_windows(distance, x, y, windows, strides, offsets=None):
    """The mean [B] over windows of `distance(a_i, a_o)` of local amplitudes; `offsets`, a pair for each window."""
    offsets = offsets or [(0, 0)] * len(windows)
    return np.mean(
        [
            distance(*(local_amplitudes(images, *grid) for images in (x, y)))
            for grid in zip(windows, strides, offsets, strict=True)
        ],
        axis=0,
    )


def amplitude(x, y, windows=(16, 8, 4), strides=(4, 4, 2), cutoff=0.25, offsets=None):
    """The mean difference of local amplitudes [B] up to a frequency, weighted by the radial frequency."""

    def distance(a_i, a_o):
        frequency = np.abs(np.fft.fftfreq(a_i.shape[-1]))
        radius = np.sqrt(np.add.outer(frequency**2, frequency**2))
        weighted = abs(a_o - a_i) * radius / radius.max()
        return weighted[..., radius <= cutoff].mean((0, 2))

    return over_windows(distance, x, y, windows, strides, offsets)


def masked_amplitude(x, y, windows=(8,), strides=(4,), threshold=0.05, offsets=None):
    """The root mean square difference of local amplitudes [B], in units of what contrast masks."""

    def distance(a_i, a_o):
        masked = np.maximum(threshold, a_i**0.7 * threshold**0.3)
        return np.sqrt((((a_o - a_i) / masked) ** 2).mean((0, 2, 3)))

    return over_windows(distance, x, y, windows, strides, offsets)


def log_spectral(x, y, windows=(16, 8, 4), strides=(8, 4, 2), threshold=0.05, offsets=None):
    """The spectral convergence plus the mean difference of log amplitudes [B]."""

    def distance(a_i, a_o):
        norms = [np.sqrt((a**2).mean((0, 2, 3))) for a in (a_o - a_i, a_i)]
        logs = abs(np.log(a_o + threshold) - np.log(a_i + threshold)).mean((0, 2, 3))
        return norms[0] / np.maximum(norms[1], threshold) + logs

    return over_windows(distance, x, y, windows, strides, offsets)


def multiscale_corrected(x, y, windows=(16, 8, 4), strides=(8, 4, 2), amp_coef=0.1, arg_coef=0.9, offsets=None):
    """The mean over windows of the corrected spectral loss [B]."""
    grids = zip(windows, strides, offsets or [(0, 0)] * len(windows), strict=True)
    # moved by an offset, the grid is that of the image without its first rows and columns
    values = [
        corrected(x[:, down:, right:], y[:, down:, right:], window, stride, amp_coef, arg_coef)
        for window, stride, (down, right) in grids
    ]
    return np.mean(values, axis=0)


def focal_frequency(x, y, alpha=1):
    """The focal frequency loss [B], one image and channel after the other."""
    total = np.zeros(len(x))
    for b in range(len(x)):
        for c in range(x.shape[3]):
            distance = abs(np.fft.fft2(y[b, :, :, c].astype(float) - x[b, :, :, c], norm="ortho"))
            total[b] += (distance**alpha / (distance**alpha).max() * distance**2).mean() / x.shape[3]
    return total


def polar_difference(f, g, amp_coef, arg_coef, wrapped=False):
    """Weighted absolute differences of phase (raw or wrapped) and amplitude of two complex arrays."""
    turned = phase(g) - phase(f)
    return arg_coef * (short_way(turned) if wrapped else abs(turned)) + amp_coef * abs(abs(g) - abs(f))


def short_way(angle):
    """The way round the circle, at most π, that an angle is."""
    return abs((angle + np.pi) % (2 * np.pi) - np.pi)


def phase(f):
    """The phase of f + EPS; where f is real but for rounding it is real, else -π and π would be chance."""
    return np.arctan2(np.where(abs(f.imag) < 1e-12, 0.0, f.imag), f.real + EPS)


def cross_entropy(x, logits):
    """Mean sigmoid cross-entropy [B] of binary images and logits."""
    p = 1 / (1 + np.exp(-logits.astype(float)))
    return -(x * np.log(p) + (1 - x) * np.log(1 - p)).mean((1, 2, 3))

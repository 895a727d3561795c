"""Measures of blur in the local phase."""

import numpy as np
from scipy.fft import fft2, ifft2

from evaluation.metrics.display import luminance, of_each
from losses.dft import at_every_position, exponentials, half_plane, hann

# wavelengths (pixels) of the finest filter and of the two after it, and the weights under which
# the phases at a step cancel: w sums to 0, and so does w / scale
FINEST_WAVELENGTH = 4
SCALES = (1, 3 / 2, 2)
WEIGHTS = (1, -3, 2)
ORIENTATIONS = 8


def sharpness_index(images, c=2 / 255, beta=1e-4):
    """LPC-SI of every image [N], in [0, 1]: how coherent the local phase is at its sharpest places.

    At a step the phases of three fine scales agree, φ₁ - 3φ₂ + 2φ₃ = 0; the cosine of that sum,
    weighted over orientations by the energy of the finest scale above its mean plus two standard
    deviations, makes a map of coherence, and `beta` the weight by which its values count, in
    descending order (the paper's 1e-4 leaves images of 28 pixels little but the maximum). `c`, the
    paper's 2 of 255, makes faint structure count less: contrast matters. Luminance; borders are
    periodic and cut off.
    Source: Hassen, Wang and Salama, "Image Sharpness Assessment Based on Local Phase Coherence",
    IEEE Transactions on Image Processing 22(7), 2013.
    """
    return of_each(lambda batch: ranked_mean(coherence_map(luminance(batch), c), beta), images)


def coherence_map(images, c):
    """The local phase coherence [N, H', W'] of images [N, H, W], the border cut off."""
    spectra, (height, width) = fft2(images.astype(np.float32)), images.shape[1:]
    border = round(min(height, width) / 16)
    inside = np.s_[:, border : height - border, border : width - border]
    coherent, total = 0, c
    for filters in log_gabor(height, width):
        first, second, third = (ifft2(spectra * one)[inside] for one in filters)
        energy = above_mean(abs(first))
        product = first * np.conj(second) ** 3 * third**2
        cosine = product.real / np.maximum(abs(product), np.finfo(np.float32).tiny)
        coherent = coherent + np.maximum(cosine, 0) * energy
        total = total + energy
    return coherent / total


def above_mean(energy):
    """What of the energy [N, H, W] exceeds an image's mean plus two standard deviations."""
    return np.maximum(energy - energy.mean((1, 2), keepdims=True) - 2 * energy.std((1, 2), keepdims=True), 0)


def ranked_mean(values, beta):
    """The mean [N] of values [N, H, W] in descending order, that of rank k in 0..1 weighted by exp(-k / beta)."""
    descending = -np.sort(-values.reshape(len(values), -1))
    weights = np.exp(-np.linspace(0, 1, descending.shape[1]) / beta)
    return descending @ (weights / weights.sum())


def log_gabor(height, width, ratio=0.75, spread=np.pi / ORIENTATIONS / 1.5, cutoff=0.45, order=15):
    """Log-Gabor filters [orientations, scales, H, W] in the frequency domain, one-sided.

    A Gaussian of the logarithm of the radial frequency (its width the `ratio` to the centre) times
    one of the angle (width `spread`, radians), under a Butterworth low pass: those of the paper.
    """
    vertical, horizontal = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    radius, angle = np.hypot(vertical, horizontal), np.arctan2(vertical, horizontal)
    radius[0, 0] = 1e-12
    low_pass = 1 / (1 + (radius / cutoff) ** (2 * order))
    wavelengths = FINEST_WAVELENGTH * np.array(SCALES)[:, None, None]
    radial = np.exp(-(np.log(radius * wavelengths) ** 2) / (2 * np.log(ratio) ** 2)) * low_pass
    centres = np.pi * np.arange(ORIENTATIONS)[:, None, None, None] / ORIENTATIONS
    distance = np.angle(np.exp(1j * (angle - centres)))
    return (radial * np.exp(-(distance**2) / (2 * spread**2))).astype(np.float32)


def phase_difference(images, references, window=16, stride=4):
    """The local phase difference of every pair [N], radians in [0, π].

    |angle(F_o conj F_i)|, so wrapped, mean over the bins of all Hann windows (`window` and `stride`
    in pixels) and channels, weighted by the amplitude |F_i| of the reference: phase without
    amplitude is chance. The constants are left out, having no phase. Unrelated phases, and a window
    where the image is blank, have π/2; pairs with a blank reference have 0. The paper's section
    3.1, its difference wrapped.
    """
    height, width = np.shape(references)[1:3]
    rows, (columns, counts) = np.arange(window), half_plane(window)
    vertical, horizontal = (
        at_every_position(size, stride, hann(window) * exponentials(window, frequencies)).astype(np.complex64)
        for size, frequencies in ((height, rows), (width, columns))
    )
    bins = np.tile(counts, (window, 1))
    bins[0, 0] = 0
    weights = np.tile(bins, (len(vertical) // len(rows), len(horizontal) // len(columns)))

    def of_batch(images, references):
        f_o, f_i = (vertical @ np.moveaxis(batch, -1, 1) @ horizontal.T for batch in (images, references))
        amplitude = weights * abs(f_i)
        difference = np.where(f_o == 0, np.pi / 2, abs(np.angle(f_o * np.conj(f_i))))
        return (amplitude * difference).sum((1, 2, 3)) / np.maximum(amplitude.sum((1, 2, 3)), np.finfo(np.float32).tiny)

    return of_each(of_batch, images, references)

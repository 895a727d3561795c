"""Sharpness as the coherence of the local phase."""

import numpy as np
from scipy.fft import fft2, ifft2
from skimage.color import rgb2gray

from evaluation.metrics.display import in_batches

# wavelength of the finest filter, pixels, and those of all three relative to it
FINEST_WAVELENGTH = 4
SCALES = (1, 3 / 2, 2)
ORIENTATIONS = 8


def sharpness_index(images, c=2 / 255, beta=1e-4):
    """Return the LPC-SI of each image [N], in [0, 1]: how coherent the local phase is where the image is sharpest.

    At a step the phases of three fine scales agree: φ₁ - 3φ₂ + 2φ₃ = 0. The cosine of that sum makes a map of
    coherence; orientations count by how far the energy of the finest scale exceeds its mean plus two standard
    deviations. The index is a mean over the map in descending order, in which weights fall at the rate `beta`. The
    paper's 1e-4 leaves images of 28 pixels little but the maximum. `c`, the paper's 2 of 255, makes faint structure
    count less, so contrast matters. Colour images are scored by their luminance. Borders are periodic and cut off.
    Source: Hassen, Wang and Salama, "Image Sharpness Assessment Based on Local Phase Coherence", IEEE Transactions
    on Image Processing 22(7), 2013.
    """
    return in_batches(lambda batch: ranked_mean(coherence_map(luminance(batch), c), beta), images)


def luminance(images):
    """Return the luminance [N, H, W] of images [N, H, W, C] in [0, 1] (ITU-R BT.709 weights of linear RGB)."""
    return images[..., 0] if images.shape[-1] == 1 else rgb2gray(images)


def coherence_map(images, c):
    """Return the local phase coherence [N, H', W'] of images [N, H, W], the border cut off."""
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
    """Return by how much the energy [N, H, W] exceeds the image's mean plus two standard deviations, at least 0."""
    return np.maximum(energy - energy.mean((1, 2), keepdims=True) - 2 * energy.std((1, 2), keepdims=True), 0)


def ranked_mean(values, beta):
    """Return the mean [N] of values [N, H, W] in descending order, rank k in 0..1 weighted by exp(-k / beta)."""
    descending = -np.sort(-values.reshape(len(values), -1))
    weights = np.exp(-np.linspace(0, 1, descending.shape[1]) / beta)
    return descending @ (weights / weights.sum())


def log_gabor(height, width, ratio=0.75, spread=np.pi / ORIENTATIONS / 1.5, cutoff=0.45, order=15):
    """Return one-sided log-Gabor filters [orientations, scales, H, W] in the frequency domain.

    A filter is a Gaussian of the logarithm of the radial frequency (its width is the `ratio` to the centre) times a
    Gaussian of the angle (width `spread`, radians), under a Butterworth low pass, as in the paper.
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

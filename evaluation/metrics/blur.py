"""How blurred a set of images is: the equivalent blur, and radial spectra.

Every function takes images [N, H, W, C], float in [0, 1] or uint8.
"""

import numpy as np
from scipy.fft import dctn, fft2, idctn

from evaluation.metrics.display import in_batches

# the blurs, in pixels, among which the equivalent blur is found; a set that is more blurred reads the last one
SIGMAS = np.linspace(0, 6, 241)
# an image whose variance, summed over its pixels, is less is blank: the rest is rounding
LEAST_VARIANCE = 1e-6
# the least power of a ring, in dB, so that an empty one has a logarithm
LEAST_POWER = -100.0


def equivalent_blur(images, references):
    """Return the Gaussian blur of `references`, sigma in pixels, that makes them as sharp as `images`.

    Sharpness is the mean squared frequency of a set, weighted by its power: gradient energy over variance.
    Brightness and contrast cancel. Under a Gaussian blur it can only fall: its derivative by sigma² is minus the
    variance of the squared frequency. The sets are compared as a whole, so they need no pairs, but their contents
    should be alike. Sharper images read 0; very blurred or blank ones read 6.

    The blur is the exact Gaussian, at mirrored borders. Below 0.7 pixels, sampled kernels blur less than their sigma
    says: scipy's 0.5 reads 0.4 on digits.
    """
    moments, curves = in_batches(power_moments, images), in_batches(power_moments_under_blur, references)
    return float(sigma_between(moments.mean(0, keepdims=True), curves.mean(0, keepdims=True))[0])


def equivalent_blur_of_each(images, references):
    """Return the equivalent blur [N] of each image against its own reference, sigma in pixels."""
    return in_batches(lambda a, b: sigma_between(power_moments(a), power_moments_under_blur(b)), images, references)


def power_moments_under_blur(images):
    """Return the power moments [N, 2, SIGMAS] of images under every Gaussian blur."""
    return power_moments(images, SIGMAS)


def power_moments(images, sigmas=SIGMAS[:1]):
    """Return the power of images, and the sum of power times ω², [N, 2, sigmas], as each Gaussian blur leaves them.

    Means over images are the moments of the whole set.
    """
    vertical, horizontal = (np.pi * np.arange(size) / size for size in images.shape[1:3])
    squared = np.add.outer(vertical**2, horizontal**2).ravel()
    power, passed = cosine_power(images), np.exp(-np.outer(squared, sigmas**2))
    return np.stack([power @ passed, (power * squared) @ passed], axis=1)


def cosine_power(images):
    """Return the power [N, H·W] of every frequency of the cosine transform (mirrored borders), 0 for the constant.

    A Gaussian blur of width σ multiplies it by exp(-σ²ω²) and nothing else.
    """
    power = (dctn(images, axes=(1, 2), norm="ortho").astype(float) ** 2).sum(-1).reshape(len(images), -1)
    power[:, 0] = 0
    return power


def gaussian_blur(images, sigma):
    """Return images [N, H, W, C] under the exact Gaussian blur of `sigma` pixels, at mirrored borders."""
    vertical, horizontal = (np.pi * np.arange(size) / size for size in np.shape(images)[1:3])
    passed = np.exp(-(sigma**2) / 2 * np.add.outer(vertical**2, horizontal**2)).astype(images.dtype)
    return idctn(dctn(images, axes=(1, 2)) * passed[..., None], axes=(1, 2))


def sigma_between(moments, curves):
    """Return the blur [N] that takes the mean squared frequency of references to that of images.

    Args: `moments` [N, 2, 1] of the images; `curves` [N, 2, SIGMAS], those of the references under every blur.
    """
    sharpness, references = mean_squared_frequency(moments), mean_squared_frequency(curves)
    return np.array([np.interp(-value, -curve, SIGMAS) for (value,), curve in zip(sharpness, references, strict=True)])


def mean_squared_frequency(moments):
    """Return the mean ω² [N, sigmas], weighted by power, of moments [N, 2, sigmas]; 0 for blank images."""
    return moments[:, 1] / np.maximum(moments[:, 0], LEAST_VARIANCE)


def radial_spectrum(images):
    """Return radial frequencies [R] (cycles per pixel, up to ½) and the power [R] there (dB, mean over images).

    An image's power at a radius is the mean over a ring one frequency wide, summed over channels. There is no
    window. An empty ring has -100 dB.
    """
    height, width = np.shape(images)[1:3]
    size = min(height, width)
    radius = np.hypot.outer(np.fft.fftfreq(height), np.fft.fftfreq(width)).ravel() * size
    rings = np.arange(1, size // 2 + 1)
    ring = np.rint(radius)[:, None] == rings

    def levels(images):
        power = (abs(fft2(images, axes=(1, 2), norm="ortho")) ** 2).sum(-1).reshape(len(images), -1)
        return 10 * np.log10(np.maximum(power @ (ring / ring.sum(0)), 10 ** (LEAST_POWER / 10)))

    return rings / size, in_batches(levels, images).mean(0)

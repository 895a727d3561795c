"""How blurred a set of images is: the equivalent blur, and radial spectra.

Every function takes images [N, H, W, C], float in [0, 1] or uint8.
"""

import numpy as np
from scipy.fft import dctn, fft2, idctn

from evaluation.metrics.display import in_batches

# the blurs, in pixels, among which the equivalent blur is found; a set that is more blurred reads the last one
SIGMAS = np.linspace(0, 6, 241)
# the same for the blur of shapes, and the blur, in pixels, under which noise does not make a shape
SHAPE_SIGMAS, SHAPE_SCALE = np.linspace(0, 4, 17), 1.0
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
    passed = np.exp(-(sigma**2) / 2 * np.add.outer(vertical**2, horizontal**2))[..., None]
    return idctn(dctn(images, axes=(1, 2)) * passed.astype(np.result_type(images, np.float32)), axes=(1, 2))


def shape_blur(images, references):
    """Return the blur of shapes: the Gaussian blur of `references`, in pixels, that leaves their shapes as soft.

    The shapes are those of the pairs of `images` and `references`, as in `shape_moments`. Contrast and faint noise do
    not count: a thresholded image is as soft as before. On binary digits, noise of 0.1 or a threshold changes the
    value of l2 by less than 0.1 pixels. A filter that sharpens shapes does count.
    """
    moments, curves = in_batches(shape_moments, images, references), in_batches(shape_moments_under_blur, references)
    means = (values.mean(0, keepdims=True) for values in (moments, curves))
    return float(sigma_between(*means, SHAPE_SIGMAS)[0])


def shape_moments(images, references):
    """Return the power moments [N, 2, 1] of the shapes of images.

    A shape is the image, blurred a little against noise, with the histogram of its reference: of a binary one, as much
    ink where the image is brightest.
    """
    return power_moments(with_histogram(gaussian_blur(images, SHAPE_SCALE), references))


def shape_moments_under_blur(references):
    """Return the power moments [N, 2, SHAPE_SIGMAS] of the shapes of references under every Gaussian blur."""
    found = [shape_moments(gaussian_blur(references, sigma), references) for sigma in SHAPE_SIGMAS]
    return np.concatenate(found, axis=2)


def with_histogram(images, references):
    """Return images [N, H, W, C] whose pixels, in their order of brightness, have the values of their references."""
    order, values = (np.reshape(each, [len(each), -1, each.shape[3]]) for each in (images, references))
    found = np.empty_like(values)
    np.put_along_axis(found, order.argsort(1), np.sort(values, 1), 1)
    return found.reshape(references.shape)


def sigma_between(moments, curves, sigmas=SIGMAS):
    """Return the blur [N] that takes the mean squared frequency of references to that of images.

    Args: `moments` [N, 2, 1] of the images; `curves` [N, 2, sigmas], those of the references under every blur.
    """
    sharpness, references = mean_squared_frequency(moments), mean_squared_frequency(curves)
    return np.array([np.interp(-value, -curve, sigmas) for (value,), curve in zip(sharpness, references, strict=True)])


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

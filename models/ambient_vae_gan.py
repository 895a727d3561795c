"""The ambient VAE-GAN: a VAE that learns to restore images and sees only damaged ones."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from data.batches import to_float
from losses.kl import kl_divergence
from measurements.base import squared_error
from models.architectures import ARCHITECTURES
from models.latent import LatentModel, Objective
from models.precision import to_float32

# images measured at a time before the training
CHUNK = 1000
# the discriminator's targets for real images and for decoded ones, and the decoder's target for decoded ones
REAL, MADE, WISHED = 0.75, 0.0, 0.375


class Randomness(NamedTuple):
    """What is random in a step: noise [B, latent_dim] for each loss, and θ [B, ...], which the losses share."""

    encoder: tf.Tensor
    decoder: tf.Tensor
    decoder_prior: tf.Tensor
    discriminator: tf.Tensor
    discriminator_prior: tf.Tensor
    theta: tf.Tensor
    theta_prior: tf.Tensor


class Judged(NamedTuple):
    """Images [B, H, W, C], the same measured, and what the discriminator makes of them: features and logit [B, 1]."""

    image: tf.Tensor
    measured: tf.Tensor
    features: tf.Tensor
    logit: tf.Tensor


class Errors(NamedTuple):
    """The squared errors of pixels and of features, [B] each."""

    pixel_error: tf.Tensor
    feature_error: tf.Tensor


class AmbientVAEGAN(LatentModel):
    """A VAE-GAN (Larsen et al. 2016) that compares images only after a measurement f_θ (AmbientGAN, Bora et al. 2018).

    The training sees y = f_θ1(x) and never x. A latent z of the posterior q(z|y) gives ỹ = f_θ2(Dec(z)); a latent z_p
    of the prior gives y_p = f_θ3(Dec(z_p)). Each of the three networks minimises its own loss:

        encoder        beta · KL + rec
        decoder        BCE(D(y_p), 0.375) + BCE(D(ỹ), 0.375) + gamma · rec
        discriminator  BCE(D(y), 0.75) + BCE(D(y_p), 0) + BCE(D(ỹ), 0)
        rec            alpha/2 · mean (ỹ - y)² + feature_weight/2 · mean (D_l(ỹ) - D_l(y))²

    KL is the mean over latents, D a logit and D_l a feature map. The gradients of all three losses are taken before
    any network changes. A supervised model has the clean images: its encoder sees y, its losses compare with x, and
    nothing else is measured.

    Args:
        encoder, decoder, beta, measurement, seed: see LatentModel. The decoder's output is the image.
        discriminator: model [B, H, W, C] → features [B, h, w, c] and logit [B, 1].
        supervised: whether the training has the clean images too.
        alpha, feature_weight: weights of the two parts of rec.
        gamma: weight of rec in the decoder's loss.
        pixel_side: what the first part of rec compares with y. "measured": ỹ. "unmeasured": Dec(z). "marginal":
            f_θ(Dec(z)) with θ summed out (Measurement.marginal_error). With E[θ] = 1, as in drop_independent, the
            error of "unmeasured" is least at x, that of "measured" at x · E[θ]² / E[θ²] = (1 - p) x, because the two
            independent θ punish bright images. The error of "marginal" as a sum, times alpha/2, is -log p(y|z) under
            noise of variance 1/alpha.
        rec_reduction: reduction over pixels and features: "mean" (the published system) or "sum" (VAE-GAN).
    """

    latents = "mean"

    def __init__(
        self,
        encoder,
        decoder,
        discriminator,
        supervised=False,
        alpha=10.0,
        feature_weight=1.0,
        gamma=1e-6,
        pixel_side="measured",
        rec_reduction="mean",
        **kwargs,
    ):
        super().__init__(encoder, decoder, **kwargs)
        self.discriminator, self.supervised = discriminator, supervised
        self.alpha, self.feature_weight, self.gamma = alpha, feature_weight, gamma
        self.pixel_side, self.rec_reduction = pixel_side, rec_reduction

    @staticmethod
    def parts(settings, image_shape):
        """Return the arguments of the constructor that are made from several keys."""
        return {"discriminator": ARCHITECTURES[settings.architecture].discriminator(image_shape)}

    def discriminate(self, images, training=False):
        """Return the discriminator's features [B, h, w, c] and logit [B, 1] of measured images [B, H, W, C]."""
        return to_float32(self.discriminator(images, training=training))

    def groups(self):
        """The variables of each loss: those of the encoder, of the decoder and of the discriminator."""
        return [network.trainable_variables for network in (self.encoder, self.decoder, self.discriminator)]

    def training_set(self, images):
        """Return images [N, H, W, C] as the training sees them: each measured once, float32 [N, H, W, C].

        Supervised, each has the clean image after it: [N, 2, H, W, C]. The damage of an image depends only on the
        seed and on its place.
        """
        starts = range(0, len(images), CHUNK)
        seeds = tf.unstack(tf.random.split([self.seed, -2], len(starts)))
        seen = np.empty([len(images), *([2] if self.supervised else []), *self.image_shape], np.float32)
        for start, seed in zip(starts, seeds, strict=True):
            clean = to_float(np.asarray(images[start : start + CHUNK]))
            observed = self.measurement(clean, seed)
            seen[start : start + CHUNK] = tf.stack([observed, clean], axis=1) if self.supervised else observed
        return seen

    def noise(self, size, step):
        """Return the Randomness of a training step on `size` images, a function of (seed, step)."""
        seeds = tf.random.split(tf.stack([self.seed, tf.cast(step, tf.int32)]), len(Randomness._fields))
        *noises, theta, theta_prior = tf.unstack(seeds)
        return Randomness(
            *(tf.random.stateless_normal([size, self.latent_dim], seed) for seed in noises),
            *(self.measurement.draw([size, *self.image_shape], seed) for seed in (theta, theta_prior)),
        )

    def objective(self, images, noise, step, training=False):
        """Return the Objective: the losses of encoder, decoder and discriminator, and their parts.

        The part `loss` is the sum of the three; `kl_divergence` is in nats per latent.

        Args: `images`, a batch of the training set; `noise`, a Randomness.
        """
        observed, target = tf.unstack(images, axis=1) if self.supervised else (images, images)
        z_mean, z_log_var = self.encode(observed, training)
        real = Judged(target, target, *self.discriminate(target, training))

        def restored(epsilon):
            return self.judged(self.reparameterize(z_mean, z_log_var, epsilon), noise.theta, training)

        def sampled(z):
            return self.judged(z, noise.theta_prior, training)

        nats = kl_divergence(z_mean, z_log_var)
        kl = nats / self.latent_dim
        errors = self.errors(restored(noise.encoder), real)
        reconstruction_loss = self.reconstruction_loss(errors)
        losses = {
            "encoder_loss": self.beta * kl + reconstruction_loss,
            "decoder_loss": self.decoder_loss(real, restored(noise.decoder), sampled(noise.decoder_prior)),
            "discriminator_loss": discriminator_loss(
                real, restored(noise.discriminator), sampled(noise.discriminator_prior)
            ),
        }
        parts = {"loss": sum(losses.values()), **losses, "kl_divergence": kl}
        parts |= {"reconstruction_loss": reconstruction_loss, **errors._asdict()}
        return Objective(tuple(losses.values()), parts, nats)

    def judged(self, z, theta, training):
        """Decode latents z [B, latent_dim], measure the images with `theta` and return them Judged."""
        image = self.decoder_output(z, training)
        measured = image if self.supervised else self.measurement.apply(image, theta)
        return Judged(image, measured, *self.discriminate(measured, training))

    def decoder_loss(self, real, restored, sampled):
        """Return BCE(D(y_p), 0.375) + BCE(D(ỹ), 0.375) + gamma · rec, [B], of three Judged."""
        rivalry = cross_entropy(restored, WISHED) + cross_entropy(sampled, WISHED)
        return rivalry + self.gamma * self.reconstruction_loss(self.errors(restored, real))

    def reconstruction_loss(self, errors):
        """Return rec [B] of the Errors."""
        return self.alpha / 2 * errors.pixel_error + self.feature_weight / 2 * errors.feature_error

    def errors(self, restored, real):
        """Return the Errors of a restored Judged from the real one."""
        errors = Errors(self.pixel_error(restored, real), squared_error(restored.features, real.features))
        if self.rec_reduction == "sum":
            return errors
        sizes = (math.prod(values.shape[1:]) for values in (restored.image, restored.features))
        return Errors(*(error / size for error, size in zip(errors, sizes, strict=True)))

    def pixel_error(self, restored, real):
        """Return the squared error of pixels [B], a sum, on the side that `pixel_side` names."""
        if self.pixel_side == "marginal" and not self.supervised:
            return self.measurement.marginal_error(restored.image, real.image, self.alpha)
        return squared_error(restored.measured if self.pixel_side == "measured" else restored.image, real.image)

    def pictures(self, images):
        """Return tiles by name: measured images [N, H, W, C], each with its restored image on the right."""
        measured = self.measurement(images, [0, 1])
        return {"restored": tf.concat([measured, self.reconstruct(measured)], axis=2)}


def discriminator_loss(real, restored, sampled):
    """Return BCE(D(y), 0.75) + BCE(D(ỹ), 0) + BCE(D(y_p), 0), [B], of three Judged."""
    return cross_entropy(real, REAL) + cross_entropy(restored, MADE) + cross_entropy(sampled, MADE)


def cross_entropy(judged, probability):
    """Return the cross-entropy [B], nats, of the discriminator's verdict from a target probability."""
    targets = tf.fill(tf.shape(judged.logit), probability)
    return tf.nn.sigmoid_cross_entropy_with_logits(targets, judged.logit)[:, 0]

"""The ambient VAE-GAN: a VAE that learns to restore images from measured ones, never seeing a clean one."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from losses.kl import kl_divergence
from measurements.base import squared_error
from models.architectures import ARCHITECTURES
from models.latent import LatentModel, Objective

# images measured at a time before the training
CHUNK = 1000
# what the discriminator should say of real images and of made ones, and what the decoder wishes it to say of those
REAL, MADE, WISHED = 0.75, 0.0, 0.375


class Randomness(NamedTuple):
    """What is random in a step: noise [B, latent_dim] for every update, and θ [B, ...] that all updates share."""

    encoder: tf.Tensor
    decoder: tf.Tensor
    decoder_prior: tf.Tensor
    discriminator: tf.Tensor
    discriminator_prior: tf.Tensor
    theta: tf.Tensor
    theta_prior: tf.Tensor


class Judged(NamedTuple):
    """Images [B, H, W, C], the same measured, and the discriminator's features [B, h, w, c] and logit [B, 1]."""

    image: tf.Tensor
    measured: tf.Tensor
    features: tf.Tensor
    logit: tf.Tensor


class AmbientVAEGAN(LatentModel):
    """A VAE-GAN (Larsen et al. 2016) whose images meet only after a measurement f_θ (AmbientGAN, Bora et al. 2018).

    With y = f_θ1(x), all that training sees of x, ỹ = f_θ2(Dec(z)) for z of the posterior q(z|y), and
    y_p = f_θ3(Dec(z_p)) for z_p of the prior, each step moves three networks, each by a loss of its own:

        encoder        beta · KL + rec
        decoder        BCE(D(y_p), 0.375) + BCE(D(ỹ), 0.375) + gamma · rec
        discriminator  BCE(D(y), 0.75) + BCE(D(y_p), 0) + BCE(D(ỹ), 0)
        rec            alpha/2 · mean (ỹ - y)² + feature_weight/2 · mean (D_l(ỹ) - D_l(y))²

    KL is the mean over latents, D a logit, D_l a feature map. The gradients of all three are taken
    before any network moves. Supervised, only the encoder sees y: the losses compare with the clean x,
    and nothing else is measured.

    Args:
        encoder, decoder, beta, measurement, seed: as of VAE; the decoder's output is the image.
        discriminator: model [B, H, W, C] → features [B, h, w, c] and logit [B, 1].
        supervised: whether training has the clean images too.
        alpha, feature_weight: weights of the two parts of rec.
        gamma: weight of rec in the decoder's loss.
        pixel_side: what the first part of rec compares with y: "measured", ỹ, or "unmeasured", Dec(z). Where
            E[θ] = 1, as in drop_independent, its mean is least at x unmeasured, but measured at
            x · E[θ]² / E[θ²] = (1 - p) x: the independent θ of the two punish bright images. "marginal": y with
            f_θ(Dec(z)), θ summed out (Measurement.marginal_error): as sums, alpha/2 times it is -log p(y|z) under
            noise of variance 1/alpha. What a plausible θ hides of the image is nearly free.
        rec_reduction: over pixels and features, "mean" (the published system) or "sum" (VAE-GAN).
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

    def discriminate(self, images):
        """The discriminator's features [B, h, w, c] and logit [B, 1] of measured images [B, H, W, C]."""
        return self.discriminator(images, training=False)

    def groups(self):
        """The variables that each optimizer moves: the encoder's, the decoder's, the discriminator's."""
        return [network.trainable_variables for network in (self.encoder, self.decoder, self.discriminator)]

    def training_set(self, images):
        """Images [N, H, W, C] as training sees them: each measured once, float32 [N, H, W, C].

        Supervised, each with the clean one after it: [N, 2, H, W, C]. The damage is a function of the
        seed and of the place of an image alone.
        """
        starts = range(0, len(images), CHUNK)
        seeds = tf.unstack(tf.random.split([self.seed, -2], len(starts)))
        seen = np.empty([len(images), *([2] if self.supervised else []), *self.image_shape], np.float32)
        for start, seed in zip(starts, seeds, strict=True):
            clean = tf.image.convert_image_dtype(np.asarray(images[start : start + CHUNK]), tf.float32)
            observed = self.measurement(clean, seed)
            seen[start : start + CHUNK] = tf.stack([observed, clean], axis=1) if self.supervised else observed
        return seen

    def noise(self, size, step):
        """The Randomness of a training step on `size` images: a function of (seed, step)."""
        seeds = tf.random.split(tf.stack([self.seed, tf.cast(step, tf.int32)]), len(Randomness._fields))
        *noises, theta, theta_prior = tf.unstack(seeds)
        return Randomness(
            *(tf.random.stateless_normal([size, self.latent_dim], seed) for seed in noises),
            *(self.measurement.draw([size, *self.image_shape], seed) for seed in (theta, theta_prior)),
        )

    def objective(self, images, noise, step, training=False):
        """The losses of the three networks, `loss` their sum, and their parts, each [B].

        Args: `images`, a batch of the training set; `noise`, a Randomness. `kl_divergence` is in nats
        per latent.
        """
        observed, target = tf.unstack(images, axis=1) if self.supervised else (images, images)
        z_mean, z_log_var = self.encode(observed, training)
        real = Judged(target, target, *self.discriminator(target, training=training))

        def restored(epsilon):
            return self.judged(self.reparameterize(z_mean, z_log_var, epsilon), noise.theta, training)

        def sampled(z):
            return self.judged(z, noise.theta_prior, training)

        kl = kl_divergence(z_mean, z_log_var) / self.latent_dim
        errors = self.errors(restored(noise.encoder), real)
        reconstruction_loss = self.reconstruction_loss_of(errors)
        encoder_loss = self.beta * kl + reconstruction_loss

        made, dreamt = restored(noise.decoder), sampled(noise.decoder_prior)
        rivalry = cross_entropy(made, WISHED) + cross_entropy(dreamt, WISHED)
        decoder_loss = rivalry + self.gamma * self.reconstruction_loss_of(self.errors(made, real))

        made, dreamt = restored(noise.discriminator), sampled(noise.discriminator_prior)
        discriminator_loss = cross_entropy(real, REAL) + cross_entropy(made, MADE) + cross_entropy(dreamt, MADE)
        parts = {
            "loss": encoder_loss + decoder_loss + discriminator_loss,
            "encoder_loss": encoder_loss,
            "decoder_loss": decoder_loss,
            "discriminator_loss": discriminator_loss,
            "kl_divergence": kl,
            "reconstruction_loss": reconstruction_loss,
        }
        return Objective((encoder_loss, decoder_loss, discriminator_loss), parts | errors)

    def judged(self, z, theta, training):
        """The images of latents z [B, latent_dim], Judged after a measurement of parameters `theta`."""
        image = self.decoder(z, training=training)
        measured = image if self.supervised else self.measurement.apply(image, theta)
        return Judged(image, measured, *self.discriminator(measured, training=training))

    def errors(self, made, real):
        """The squared errors of pixels and of features, [B], between two Judged."""
        features = squared_error(made.features, real.features)
        found = {"pixel_error": (self.pixel_error(made, real), made.image), "feature_error": (features, made.features)}
        if self.rec_reduction == "sum":
            return {name: error for name, (error, _) in found.items()}
        return {name: error / math.prod(values.shape[1:]) for name, (error, values) in found.items()}

    def pixel_error(self, made, real):
        """The squared error of pixels [B] on the side that `pixel_side` names, a sum."""
        if self.pixel_side == "marginal" and not self.supervised:
            return self.measurement.marginal_error(made.image, real.image, self.alpha)
        return squared_error(made.measured if self.pixel_side == "measured" else made.image, real.image)

    def reconstruction_loss_of(self, errors):
        """rec [B] of the errors."""
        return self.alpha / 2 * errors["pixel_error"] + self.feature_weight / 2 * errors["feature_error"]

    def pictures(self, images):
        """Grids by name: measured images [N, H, W, C] with what they are restored to on their right."""
        measured = self.measurement(images, [0, 1])
        return {"restored": tf.concat([measured, self.reconstruct(measured)], axis=2)}


def cross_entropy(judged, probability):
    """The cross-entropy [B], nats, of the discriminator's verdict from a target probability."""
    targets = tf.fill(tf.shape(judged.logit), probability)
    return tf.nn.sigmoid_cross_entropy_with_logits(targets, judged.logit)[:, 0]

"""The blur-error VAE (Bredell et al. 2023): a likelihood that makes the errors of a blur expensive."""

import math

import keras
import tensorflow as tf
from keras import layers

import config
from config.system.errors import UserError
from losses.kl import kl_divergence
from models import replicas, wiener
from models.latent import LatentModel, Objective

# lower bound of the calibrated variance, so that a perfect reconstruction has a finite likelihood
LEAST_VARIANCE = 1e-6


def kernel_network(latent_dim, kernel_size, image_shape):
    """Return the network [B, latent_dim] → [B, m, m] that estimates the blur kernel of an image: at least 0, sum 1.

    Raises:
        UserError: the kernel has no central pixel, or is larger than the image.
    """
    if kernel_size % 2 == 0 or kernel_size > min(image_shape[:2]):
        raise UserError(
            f"kernel_size: expected an odd number of at most the image's {min(image_shape[:2])} pixels, "
            f"got {kernel_size}"
        )
    return keras.Sequential(
        [
            keras.Input([latent_dim]),
            layers.Dense(1000, activation="relu6", name="dense"),
            layers.Dense(kernel_size**2, activation="softmax", name="kernel", dtype="float32"),
            layers.Reshape([kernel_size, kernel_size], dtype="float32"),
        ],
        name="kernel_network",
    )


class BlurErrorVAE(LatentModel):
    """A VAE that minimises the mean over images of beta · KL divergence - log N(x; x̂, Σ), with Σ⁻¹ = WᵀW/σ².

    W is the Wiener deconvolution of a blur kernel k. A network estimates k from z for every image: it minimises
    ‖x̂ - k ∗ x‖². The first loss changes encoder and decoder, the second the kernel network. Before `blur_start_step`
    W is 1. All sums run over pixels and channels, so beta = 1 is the evidence lower bound, up to the constant.

    Args:
        encoder, decoder, beta, seed: see LatentModel. The decoder's output is the image.
        kernel_network: model [B, latent_dim] → [B, m, m].
        blur_start_step: the first step with W.
        wiener_constant: c₀, which regularises the deconvolution: |W|² = |K|² / (|K|² + c₀)².
        determinant_eps: added to |K|² in the logarithm of the determinant.
        variance: σ². "fixed": 1. "calibrated": the maximum-likelihood value of every batch (Rybkin, Daniilidis and
            Levine 2021).
        kernel_gradient: whether the gradient of the likelihood "flows" through k to the encoder or is "stopped".
    """

    def __init__(
        self,
        encoder,
        decoder,
        kernel_network,
        blur_start_step,
        wiener_constant=0.025,
        determinant_eps=1e-6,
        variance="calibrated",
        kernel_gradient="stopped",
        **kwargs,
    ):
        super().__init__(encoder, decoder, **kwargs)
        self.kernel_network, self.blur_start_step = kernel_network, blur_start_step
        self.wiener_constant, self.determinant_eps = wiener_constant, determinant_eps
        self.variance, self.kernel_gradient = variance, kernel_gradient

    @staticmethod
    def parts(settings, image_shape):
        """Return the arguments of the constructor that are made from several keys.

        Raises:
            UserError: the kernel has no central pixel, or is larger than the image.
        """
        return {
            "kernel_network": kernel_network(settings.latent_dim, settings.kernel_size, image_shape),
            "blur_start_step": settings.blur_start_epoch * config.steps_per_epoch(settings),
        }

    def groups(self):
        """The variables of each loss: those of encoder and decoder, and those of the kernel network."""
        return [
            self.encoder.trainable_variables + self.decoder.trainable_variables,
            self.kernel_network.trainable_variables,
        ]

    def kernels(self, images):
        """Return the estimated blur kernels [B, m, m] of images [B, H, W, C], from the posterior mean."""
        return self.kernel_network(self.encode(images)[0])

    def pictures(self, images):
        """Return tiles by name: the kernels of images [N, H, W, C], each divided by its largest value."""
        kernels = self.kernels(images)[..., None]
        return {"kernels": kernels / tf.reduce_max(kernels, [1, 2], keepdims=True)}

    def evolution(self, images):
        """Return the kernels [N, m, m] and the reconstructions [N, H, W, C], uint8, from the posterior mean."""
        clipped = tf.clip_by_value(self.reconstruct(images), 0, 1)
        return {"kernels": self.kernels(images), "reconstructions": tf.cast(tf.round(255 * clipped), tf.uint8)}

    def objective(self, images, noise, step, training=False):
        """Return the Objective: the loss of encoder and decoder, that of the kernel network, and their parts.

        `kernel_width` is in pixels.
        """
        z_mean, z_log_var = self.encode(images, training)
        z = self.reparameterize(z_mean, z_log_var, noise)
        reconstruction, kernel = self.decoder_output(z, training), self.kernel_network(z)
        reconstruction_loss, parts = self.negative_log_likelihood(images - reconstruction, kernel, step)
        kl = kl_divergence(z_mean, z_log_var)
        loss, kernel_loss = reconstruction_loss + self.beta * kl, wiener.blur_error(images, reconstruction, kernel)
        parts = {"loss": loss, "reconstruction_loss": reconstruction_loss, "kl_divergence": kl, **parts}
        parts |= {"kernel_loss": kernel_loss, "kernel_width": wiener.kernel_width(kernel)}
        return Objective((loss, kernel_loss), parts, kl)

    def negative_log_likelihood(self, residual, kernel, step):
        """Return -log N(residual; 0, Σ) [B] in nats, and its parts `quad` and `log_determinant`.

        Before the blur term begins it is ½‖residual‖²/σ² + ½ D log σ², D the number of values of an image.
        """
        kernel = tf.stop_gradient(kernel) if self.kernel_gradient == "stopped" else kernel
        power = wiener.power_of_kernel(kernel, *self.image_shape[:2])
        quad = wiener.quadratic_form(residual, power, self.wiener_constant)
        log_determinant = wiener.log_determinant(power, self.image_shape, self.wiener_constant, self.determinant_eps)

        size = math.prod(self.image_shape)
        is_blur_term_on = step >= self.blur_start_step
        error = tf.where(is_blur_term_on, quad, tf.reduce_sum(residual**2, [1, 2, 3]))
        normaliser = tf.where(is_blur_term_on, size * math.log(2 * math.pi) - log_determinant, 0.0)
        variance = self.variance_of(error / size)
        nll = 0.5 * (error / variance + size * tf.math.log(variance) + normaliser)
        return nll, {"quad": quad, "log_determinant": log_determinant}

    def variance_of(self, mean_squares):
        """Return σ², a scalar, of a batch with weighted mean squared errors `mean_squares` [B]."""
        if self.variance == "fixed":
            return tf.constant(1.0)
        mean = replicas.total(replicas.share_of_mean(mean_squares))
        return tf.stop_gradient(tf.maximum(mean, LEAST_VARIANCE))

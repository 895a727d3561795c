"""The variational autoencoder (Kingma and Welling 2013), with a pluggable reconstruction loss."""

import keras
import numpy as np
import tensorflow as tf

import measurements
from config.system.errors import UserError
from losses.kl import kl_divergence

OUTPUT_SPACES = {"linear": tf.identity, "logits": tf.sigmoid}


@keras.saving.register_keras_serializable("models")
class VAE(keras.Model):
    """A β-VAE: minimises mean(reconstruction_loss) + beta · mean(KL divergence).

    Args:
        encoder: model [B, H, W, C] → [B, 2·latent_dim], z_mean and z_log_var side by side.
        decoder: model [B, latent_dim] → [B, H, W, C].
        reconstruction_loss: a `losses.ReconstructionLoss`; it sees the decoder's output as it is.
        beta: weight of the KL divergence (nats).
        output_space: what the decoder's output is: "linear" (the image itself) or "logits" of it.
        seed: of the noise during training.
        measurement: what happens to an image before the model sees it: here nothing.
    """

    # how its reconstructions are measured: z a "sample" of the posterior, or its "mean"
    z = "sample"

    def __init__(
        self,
        encoder,
        decoder,
        reconstruction_loss,
        beta=0.005,
        output_space="linear",
        seed=0,
        measurement=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.measurement = measurement or measurements.Identity()
        self.encoder, self.decoder = encoder, decoder
        self.reconstruction_loss, self.beta = reconstruction_loss, beta
        self.output_space, self.seed = output_space, seed
        # one pass over blank images names the parts, and finds a loss that does not fit the images
        blank = self.training_set(np.zeros([1, *self.image_shape], np.float32))
        parts = self.objective(blank, self.noise(1, 0), step=0)
        self.trackers = {name: keras.metrics.Mean(name) for name in parts}
        self.build(encoder.input_shape)

    @property
    def latent_dim(self):
        """The number of latent variables."""
        return self.decoder.input_shape[-1]

    @property
    def image_shape(self):
        """The shape [H, W, C] of one image."""
        return self.encoder.input_shape[1:]

    def groups(self):
        """The variables that each optimizer moves, lists without a variable in common."""
        return [self.trainable_variables]

    def compile(self, optimizer="rmsprop", **kwargs):
        """As of keras.Model; each group of variables has an optimizer like the given one for itself, all built."""
        super().compile(optimizer, **kwargs)
        groups = self.groups()
        again = [type(self.optimizer).from_config(self.optimizer.get_config()) for _ in groups[1:]]
        self.optimizers = [self.optimizer, *again]
        for own, variables in zip(self.optimizers, groups, strict=True):
            own.build(variables)

    def training_set(self, images):
        """Images [N, H, W, C] as training sees them: as they are."""
        return images

    def encode(self, images, training=False):
        """The posterior q(z|x) of images [B, H, W, C]: z_mean and z_log_var, each [B, latent_dim]."""
        return tf.split(self.encoder(images, training=training), 2, axis=1)

    def reparameterize(self, z_mean, z_log_var, noise):
        """A sample z [B, latent_dim] of the posterior, from standard normal `noise` of that shape."""
        return z_mean + tf.exp(0.5 * z_log_var) * noise

    def decode(self, z):
        """Images [B, H, W, C] of latents [B, latent_dim], unclipped."""
        return OUTPUT_SPACES[self.output_space](self.decoder(z))

    def reconstruct(self, images, noise=None):
        """Images through the posterior and back: by its mean or, given `noise`, by a sample of it."""
        z_mean, z_log_var = self.encode(images)
        return self.decode(z_mean if noise is None else self.reparameterize(z_mean, z_log_var, noise))

    def sample(self, num_samples, seed=0):
        """Images [num_samples, H, W, C] decoded from the prior N(0, 1)."""
        return self.decode(tf.random.stateless_normal([num_samples, self.latent_dim], [seed, 0]))

    def manifold(self, count):
        """About `count` images [n², H, W, C] of the latent plane, a square grid of normal quantiles.

        Raises:
            UserError: the latent space is not a plane.
        """
        if self.latent_dim != 2:
            raise UserError(f"grid manifold: expected a model of 2 latents, got one of {self.latent_dim}")
        side = max(round(count**0.5), 1)
        quantiles = tf.math.ndtri((tf.range(side, dtype=tf.float32) + 0.5) / side)
        first, second = tf.meshgrid(quantiles, -quantiles)
        return self.decode(tf.reshape(tf.stack([first, second], axis=-1), [-1, 2]))

    def call(self, images):
        """The reconstruction from the posterior's mean."""
        return self.reconstruct(images)

    def objective(self, images, noise, step, training=False):
        """The loss and its parts, each [B]: the KL divergence and every reconstruction term.

        What a subclass minimises may change with the `step` of the training. In `training`, batch
        normalisation takes the batch's moments and moves its averages.
        """
        z_mean, z_log_var = self.encode(images, training)
        reconstruction = self.decoder(self.reparameterize(z_mean, z_log_var, noise), training=training)
        terms = self.reconstruction_loss.terms(images, reconstruction)
        reconstruction_loss = sum(terms.values())
        kl = kl_divergence(z_mean, z_log_var)
        loss = reconstruction_loss + self.beta * kl
        return {"loss": loss, "reconstruction_loss": reconstruction_loss, "kl_divergence": kl, **terms}

    def gradients(self, images, noise, step):
        """The parts of the objective, and pairs of gradient and variable of its mean over images."""
        with tf.GradientTape() as tape:
            parts = self.objective(images, noise, step, training=True)
            loss = tf.reduce_mean(parts["loss"])
        variables = self.trainable_variables
        return parts, list(zip(tape.gradient(loss, variables), variables, strict=True))

    def train_step(self, images):
        """One step of the optimizer on images [B, H, W, C]; the running mean of every part."""
        averages = self.non_trainable_weights
        kept = [tf.identity(average.value) for average in averages]
        step = self.optimizer.iterations
        parts, gradients = self.gradients(images, self.noise(tf.shape(images)[0], step), step)
        size = tf.reduce_mean(parts["loss"]) + tf.linalg.global_norm([gradient for gradient, _ in gradients])

        def refuse():
            for average, value in zip(averages, kept, strict=True):
                average.assign(value)
            return tf.identity(step.value)

        # a step that is not finite is not taken: the weights, the moving averages and the step number stay
        tf.cond(
            tf.math.is_finite(size),
            lambda: self.move(gradients),
            refuse,
        )
        return self._track(parts)

    def move(self, gradients):
        """One step of every optimizer on its variables, given pairs of gradient and variable; the step's number."""
        pairs = iter(gradients)
        for optimizer, variables in zip(self.optimizers, self.groups(), strict=True):
            optimizer.apply_gradients([next(pairs) for _ in variables])
        return tf.identity(self.optimizer.iterations)

    def test_step(self, images):
        """The running mean of every part over batches of images [B, H, W, C]."""
        return self._track(self.objective(images, self.noise(tf.shape(images)[0], -1), self.optimizer.iterations))

    def noise(self, size, step):
        """The standard normal noise [size, latent_dim] of a training step: a function of (seed, step)."""
        return tf.random.stateless_normal([size, self.latent_dim], tf.stack([self.seed, tf.cast(step, tf.int32)]))

    def pictures(self, images):
        """Grids of tiles [N, h, w, C] in [0, 1] to draw in training, by name, of a few images [N, H, W, C]."""
        return {}

    def evolution(self, images):
        """What to keep of a few images [N, H, W, C] after every epoch of training, arrays by name."""
        return {}

    def _track(self, parts):
        for name, values in parts.items():
            self.trackers[name].update_state(values)
        return {name: tracker.result() for name, tracker in self.trackers.items()}

"""What every model with a latent space does: encode, decode, sample and take a step. It has no loss of its own."""

import math
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

import measurements
from config.system.errors import UserError
from losses.kl import kl_divergence
from models import replicas
from models.precision import LossScale, to_float32

OUTPUT_SPACES = {"linear": tf.identity, "logits": tf.sigmoid}

# a step moves log beta by this share of log(KL / target_kl), and by no more than the second number
BETA_GAIN, LARGEST_MOVE = 0.1, 0.01


class Objective(NamedTuple):
    """What a model says of a batch of images."""

    losses: tuple  # for each group of variables the loss that it minimises, [B]
    parts: dict  # what is logged, by name, [B] each; "loss" is one of them
    kl: tf.Tensor  # the KL divergence, [B], in nats


class RunningMean(keras.metrics.Mean):
    """Keras's running mean, of which all devices hold the same: what it is given is of the global batch."""

    def add_variable(self, shape, initializer, dtype=None, aggregation="only_first_replica", name=None):
        """Return a variable that is the same on all devices."""
        return keras.Variable(initializer, shape, dtype, trainable=False, aggregation=aggregation, name=name)


class LatentModel(keras.Model):
    """An encoder to a latent space and a decoder from it.

    A subclass writes `objective` and, if its parts minimise different losses, `groups`. `compile` and
    `fit`, or the loop of training/, do the rest.

    Args:
        encoder: model [B, H, W, C] → [B, 2·latent_dim], z_mean and z_log_var side by side.
        decoder: model [B, latent_dim] → [B, H, W, C].
        beta: weight of the KL divergence (nats).
        target_kl: KL divergence (nats) that the training holds by adapting beta; 0: beta is fixed.
        output_space: the meaning of the decoder's output: "linear" (the image itself) or "logits" of it.
        seed: seed of the noise during training.
        measurement: the damage through which the model sees an image; None: no damage.
        precision: the networks' own. With "float16" the losses are scaled (LossScale).
    """

    # the latents from which a reconstruction is scored: a "sample" of the posterior, or its "mean"
    latents = "sample"

    def __init__(
        self,
        encoder,
        decoder,
        beta=0.005,
        target_kl=0,
        output_space="linear",
        seed=0,
        measurement=None,
        precision="float32",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.target_kl = encoder, decoder, target_kl
        self.output_space, self.seed = output_space, seed
        self.log_beta = keras.Variable(math.log(beta), trainable=False, name="log_beta") if target_kl else None
        self.fixed_beta = beta
        self.measurement = measurement or measurements.Identity()
        self.loss_scale = LossScale() if precision == "float16" else None

    @property
    def latent_dim(self):
        """The number of latent variables."""
        return self.decoder.input_shape[-1]

    @property
    def beta(self):
        """The weight of the KL divergence: a number, or with `target_kl` a scalar that every step adapts."""
        return tf.exp(self.log_beta) if self.target_kl else self.fixed_beta

    @property
    def image_shape(self):
        """The shape [H, W, C] of one image."""
        return self.encoder.input_shape[1:]

    def encode(self, images, training=False):
        """Return z_mean and z_log_var, each [B, latent_dim], of the posterior q(z|x) of images [B, H, W, C]."""
        return tf.split(to_float32(self.encoder(images, training=training)), 2, axis=1)

    def reparameterize(self, z_mean, z_log_var, noise):
        """Return a sample z [B, latent_dim] of the posterior, from standard normal `noise` of that shape."""
        return z_mean + tf.exp(0.5 * z_log_var) * noise

    def decoder_output(self, z, training=False):
        """Return what the decoder makes of latents [B, latent_dim], [B, H, W, C] in the model's output space."""
        return to_float32(self.decoder(z, training=training))

    def decode(self, z):
        """Return the images [B, H, W, C] of latents [B, latent_dim], unclipped."""
        return OUTPUT_SPACES[self.output_space](self.decoder_output(z))

    def reconstruct(self, images, noise=None):
        """Return the reconstructions [B, H, W, C] of images from the posterior mean or, with `noise`, from a sample."""
        z_mean, z_log_var = self.encode(images)
        return self.decode(z_mean if noise is None else self.reparameterize(z_mean, z_log_var, noise))

    def sample(self, num_samples, seed=0):
        """Return images [num_samples, H, W, C] decoded from the prior N(0, 1)."""
        return self.decode(tf.random.stateless_normal([num_samples, self.latent_dim], [seed, 0]))

    def manifold(self, count):
        """Return about `count` images [n², H, W, C], decoded at a square grid of normal quantiles of the latent plane.

        Raises:
            UserError: the model has another number of latents than two.
        """
        if self.latent_dim != 2:
            raise UserError(f"grid manifold: expected a model of 2 latents, got one of {self.latent_dim}")
        quantiles = normal_quantiles(max(round(count**0.5), 1))
        first, second = tf.meshgrid(quantiles, -quantiles)
        return self.decode(tf.reshape(tf.stack([first, second], axis=-1), [-1, 2]))

    def latents_by_kl(self, images):
        """Return the latents by their mean KL divergence of images [B, H, W, C], the largest first."""
        every = [tf.reshape(moments, [-1, 1]) for moments in self.encode(images)]
        kl = tf.reshape(kl_divergence(*every), [-1, self.latent_dim])
        return tf.argsort(tf.reduce_mean(kl, 0), direction="DESCENDING").numpy().tolist()

    def traversal(self, latents, count):
        """Return images [len(latents) · count, H, W, C], `count` for each of `latents`.

        That latent goes through normal quantiles, and the others are 0.
        """
        moved = tf.one_hot(latents, self.latent_dim)[:, None] * normal_quantiles(count)[:, None]
        return self.decode(tf.reshape(moved, [-1, self.latent_dim]))

    def interpolation(self, images, count):
        """Return images [count, H, W, C], decoded on the line between the posterior means of two images."""
        start, end = self.encode(images)[0]
        return self.decode(start + tf.linspace(0.0, 1.0, count)[:, None] * (end - start))

    def call(self, images):
        """Return the reconstruction from the posterior mean."""
        return self.reconstruct(images)

    def objective(self, images, noise, step, training=False):
        """Return the Objective of images [B, H, W, C] with the `noise` of a step.

        A subclass may change what it minimises with the `step` of the training. In `training`, batch normalisation
        uses the moments of the batch and updates its averages.

        Args: `images`, float32 in [0, 1]; `noise`, what `noise(B, step)` returns; `step`, the number of steps taken, a
        scalar.
        """
        raise NotImplementedError

    def groups(self):
        """The variables of each loss, lists without a variable in common; each has an optimizer of its own."""
        return [self.trainable_variables]

    def build(self, input_shape):
        """Make the running means of what is logged. One pass over a blank image names the parts.

        Raises:
            ValueError: the loss does not fit the images.
        """
        blank = self.training_set(np.zeros([1, *self.image_shape], np.float32))
        parts = self.logged(self.objective(blank, self.noise(1, 0), 0))
        self.trackers = {name: RunningMean(name) for name in parts}
        super().build(input_shape)

    def compile(self, optimizer="rmsprop", **kwargs):
        """Compile as keras.Model does; each group gets an optimizer like the given one, with its variables made."""
        super().compile(optimizer, **kwargs)
        if not self.built:
            self.build(self.encoder.input_shape)
        again = [type(self.optimizer).from_config(self.optimizer.get_config()) for _ in self.groups()[1:]]
        self.optimizers = [self.optimizer, *again]
        for own, variables in zip(self.optimizers, self.groups(), strict=True):
            own.build(variables)

    def compile_from_config(self, config):
        """Compile a loaded model as the saved one was."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def training_set(self, images):
        """Return images [N, H, W, C] as the training sees them: here unchanged."""
        return images

    def noise(self, size, step):
        """Return the standard normal noise [size, latent_dim] of a training step, a function of (seed, step)."""
        return tf.random.stateless_normal([size, self.latent_dim], tf.stack([self.seed, tf.cast(step, tf.int32)]))

    def gradients(self, images, noise, step, scale=None):
        """Return the Objective and, for each group, pairs of gradient and variable of its mean loss.

        On one of several devices `images` are its part of the batch, and the gradients of all devices add up.

        Args: `scale`, the factor of the losses while their gradients are taken; None: 1.
        """
        with tf.GradientTape(persistent=True) as tape:
            objective = self.objective(images, noise, step, training=True)
            means = [replicas.share_of_mean(loss) for loss in objective.losses]
            scaled = means if scale is None else [scale * mean for mean in means]
        groups = self.groups()
        found = [tape.gradient(mean, variables) for mean, variables in zip(scaled, groups, strict=True)]
        if scale is not None:
            found = [[gradient / scale for gradient in gradients] for gradients in found]
        return objective, [list(zip(*pair, strict=True)) for pair in zip(found, groups, strict=True)]

    def logged(self, objective):
        """Return what is logged of an Objective, by name: its parts and, where they are adapted, beta and the scale."""
        adapted = {"beta": self.beta} if self.target_kl else {}
        adapted |= {"loss_scale": self.loss_scale.value} if self.loss_scale else {}
        return objective.parts | {name: tf.reshape(value, [1]) for name, value in adapted.items()}

    def train_step(self, data):
        """Take one step on images [B, H, W, C], for `fit`, and return the running mean of every part.

        Of a pair of images and targets, as `fit(x, x)` gives, the targets are not read.
        """
        images, *_ = keras.utils.unpack_x_y_sample_weight(data)
        self.step(images)
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def step(self, images):
        """Take one step on images [B, H, W, C], add its parts to the running means and return whether it was taken.

        A step whose loss or gradient is not finite is refused: weights, moving averages and step number stay. In
        float16 a gradient may overflow: such a step counts as taken, but weights and moving averages stay.
        """
        strategy, averages = self.distribute_strategy, self.non_trainable_weights
        kept = [tf.identity(average.value) for average in averages]
        step, scale = self.optimizer.iterations, self.loss_scale and self.loss_scale.value
        batch = images, self.noise(tf.shape(images)[0], step)
        *found, groups = replicas.on_each(strategy, self.part_of_step, batch, step, scale)
        objective, norm = replicas.same(strategy, found)
        parts = self.logged(objective)
        loss = tf.reduce_mean(parts["loss"])

        def stay():
            for average, value in zip(averages, kept, strict=True):
                average.assign(value)
            return self.skip(tf.math.is_finite(loss)) if self.loss_scale else False

        is_taken = tf.cond(tf.math.is_finite(loss + norm), lambda: self.move(groups, objective.kl), stay)
        for name, values in parts.items():
            self.trackers[name].update_state(values)
        return is_taken

    def part_of_step(self, batch, step, scale):
        """Take the gradients of this device's part of a `batch`, images and noise.

        Return the Objective of the whole batch, a scalar that is finite where all gradients are, and this device's
        gradients as `gradients` does.
        """
        objective, groups = self.gradients(*replicas.part(batch), step, scale)
        norm = tf.linalg.global_norm([gradient for pairs in groups for gradient, _ in pairs])
        return replicas.of_all(objective, tf.shape(batch[0])[0]), replicas.total(norm), groups

    def skip(self, is_loss_finite):
        """Count a step as taken, without taking it, if its gradient overflowed; return whether it did, a scalar."""
        is_overflow = self.loss_scale.shrink(is_loss_finite)
        for optimizer in self.optimizers:
            optimizer.iterations.assign_add(tf.cast(is_overflow, optimizer.iterations.dtype))
        return is_overflow

    def move(self, groups, kl):
        """Take a step of every optimizer, given the pairs of its group, and of beta; return True.

        log beta moves by clip(0.1 · log(KL / target_kl), -0.01, 0.01), with the mean KL of the batch. Related rules:
        GECO (Rezende and Viola 2018), ControlVAE (Shao et al. 2020).
        """
        replicas.on_each(self.distribute_strategy, self.apply, groups)
        if self.target_kl:
            excess = tf.math.log(tf.maximum(tf.reduce_mean(kl), 1e-6) / self.target_kl)
            self.log_beta.assign_add(tf.clip_by_value(BETA_GAIN * excess, -LARGEST_MOVE, LARGEST_MOVE))
        if self.loss_scale:
            self.loss_scale.grow()
        return True

    def apply(self, groups):
        """Take a step of every optimizer with the gradients of all devices."""
        for optimizer, pairs in zip(self.optimizers, groups, strict=True):
            optimizer.apply_gradients(pairs)

    def pictures(self, images):
        """Return what the training shows of a few images [N, H, W, C]: by name, tiles [N, h, w, C] in [0, 1]."""
        return {}

    def evolution(self, images):
        """Return what the training keeps of a few images [N, H, W, C] after every epoch: arrays by name."""
        return {}


def normal_quantiles(count):
    """Return the quantiles [count] of N(0, 1) at (i + ½) / count."""
    return tf.math.ndtri((tf.range(count, dtype=tf.float32) + 0.5) / count)

"""ACSG: restore a measured image by a search in the latent space of a trained ambient VAE-GAN.

Compressed sensing with a generative model (Bora, Jalal, Price and Dimakis 2017). The decoder was trained on measured
images alone, as in AmbientGAN (Bora, Price and Dimakis 2018). The search minimises over z

    5 · mean (D_l(f_θ(Dec(z))) - D_l(y))² + 0.001 · Σ z²

where D_l are the features of the discriminator. Each of its 100 steps of Adam draws a new θ. With `of=pixels` the
images themselves are compared, f_θ(Dec(z)) with y.
"""

import numpy as np
import tensorflow as tf

from evaluation.metrics.display import parts

STEPS = 100
FEATURE_WEIGHT, PRIOR_WEIGHT = 5.0, 0.001
# Adam: its rate, the decays of both moments, and what is added to the root of the second
RATE, DECAY_1, DECAY_2, EPSILON = 0.1, 0.9, 0.999, 1e-7


def features(model, images):
    """Return the features D_l [B, h, w, c] of measured images [B, H, W, C]."""
    return model.discriminate(images)[0]


def pixels(model, images):
    """Return measured images [B, H, W, C] as they are."""
    return images


def restorer(model, seed=0, of=features):
    """Return ACSG with the decoder and discriminator of `model`: function(measured, theta=None, steps=STEPS).

    The function takes measured images [N, H, W, C] and returns the images [N, H, W, C] that it finds. It
    ignores θ.

    Args: `seed`, that of the first z, samples of the prior, and of the θ that the search draws; `of`, what of measured
    images is compared, `features` or `pixels`.
    """
    spec = tf.TensorSpec([None, *model.image_shape]), tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int32)

    @tf.function(input_signature=spec, autograph=False)
    def search(measured, steps, seed):
        first, later = tf.unstack(tf.random.split(seed))
        size, wanted = tf.shape(measured)[0], of(model, measured)

        def gradient(z, step):
            theta = model.measurement.draw([size, *model.image_shape], tf.random.fold_in(later, step))
            with tf.GradientTape() as tape:
                tape.watch(z)
                total = tf.reduce_sum(objective(model, z, theta, wanted, of))
            return tape.gradient(total, z)

        z = tf.random.stateless_normal([size, model.latent_dim], first)
        return model.decode(adam(gradient, z, steps))

    def restore(measured, theta=None, steps=STEPS):
        batches = parts(measured)
        seeds = tf.unstack(tf.random.split([seed, 2], len(batches)))
        return np.concatenate([search(measured[i], steps, own) for i, own in zip(batches, seeds, strict=True)])

    return restore


def objective(model, z, theta, wanted, of=features):
    """Return the objective [B] of latents z [B, latent_dim], given θ [B, ...].

    Args: `wanted`, the features or pixels [B, h, w, c] of y, as `of` returns them.
    """
    found = of(model, model.measurement.apply(model.decode(z), theta))
    error = tf.reduce_mean(tf.math.squared_difference(found, wanted), [1, 2, 3])
    return FEATURE_WEIGHT * error + PRIOR_WEIGHT * tf.reduce_sum(z**2, 1)


def adam(gradient, z, steps):
    """Return z [B, latent_dim] after `steps` of Adam (Kingma and Ba 2015), given gradient(z, step) [B, latent_dim].

    This is a function of z and keeps no variable, so batches of any size can share one graph.
    """

    def step(i, z, mean, square):
        found = gradient(z, i)
        mean = DECAY_1 * mean + (1 - DECAY_1) * found
        square = DECAY_2 * square + (1 - DECAY_2) * found**2
        t = tf.cast(i + 1, z.dtype)
        rate = RATE * tf.sqrt(1 - DECAY_2**t) / (1 - DECAY_1**t)
        return i + 1, z - rate * mean / (tf.sqrt(square) + EPSILON), mean, square

    start = tf.constant(0), z, tf.zeros_like(z), tf.zeros_like(z)
    return tf.while_loop(lambda i, *_: i < steps, step, start, parallel_iterations=1)[1]

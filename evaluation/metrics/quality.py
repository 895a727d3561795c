"""How close reconstructions come to their images: PSNR and SSIM under the published protocol."""

import numpy as np
import tensorflow as tf

from data.batches import to_float
from evaluation.metrics.display import parts
from losses.kl import kl_divergence
from losses.ssim import similarity

# the PSNR of equal images is infinite; here it is that of a mean squared error of 1e-10
HIGHEST_PSNR = 100.0


def psnr(image, reconstruction):
    """Peak signal-to-noise ratio of each pair [B] in dB, range 1, at most HIGHEST_PSNR."""
    mse = tf.reduce_mean(tf.math.squared_difference(image, reconstruction), [1, 2, 3])
    return -10 / np.log(10) * tf.math.log(tf.maximum(mse, 10 ** (-HIGHEST_PSNR / 10)))


def measures(image, reconstruction):
    """PSNR (dB) and SSIM of each pair [B], as it is and with the reconstruction clipped to [0, 1]."""
    clipped = tf.clip_by_value(reconstruction, 0, 1)
    return {
        "psnr": psnr(image, reconstruction),
        "ssim": similarity(image, reconstruction),
        "psnr_clipped": psnr(image, clipped),
        "ssim_clipped": similarity(image, clipped),
    }


def reconstruction_quality(model, images, z=None, seed=0):
    """The measures, and the KL divergence (nats), of each of the uint8 images [N, H, W, C]: a dict of [N].

    A model that sees images through a measurement is given the measured image and compared with the clean.

    Args: `z`, "sample" (of the posterior; image i's noise depends on `seed` and i alone), "mean", or
    None, the model's own way.
    """
    noise, theta = posterior_noise(model, len(images), z or model.latents, seed), damage(model, images, seed)
    rows = [_measured(model, tf.constant(np.asarray(images[i])), theta[i], noise[i]) for i in parts(images)]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def reconstructions(model, images, z=None, seed=0):
    """Batches [B, H, W, C] of the reconstructions that `reconstruction_quality` measures, of uint8 or drawn images."""
    noise, theta = posterior_noise(model, len(images), z or model.latents, seed), damage(model, images, seed)
    for i in parts(images):
        yield model.reconstruct(model.measurement.apply(to_float(np.asarray(images[i])), theta[i]), noise[i]).numpy()


def posterior_noise(model, count, z, seed):
    """The noise [count, latent_dim] that makes z a "sample" of the posterior or, none, its "mean"."""
    shape = [count, model.latent_dim]
    return tf.random.stateless_normal(shape, [seed, 0]) if z == "sample" else tf.zeros(shape)


def damage(model, images, seed=0):
    """The parameters [N, ...] of the model's measurement for images [N, H, W, C]; image i's depend on `seed` and i."""
    return model.measurement.draw(images.shape, [seed, 1])


@tf.function(reduce_retracing=True, autograph=False)
def _measured(model, images, theta, noise):
    image = to_float(images)
    z_mean, z_log_var = model.encode(model.measurement.apply(image, theta))
    reconstruction = model.decode(model.reparameterize(z_mean, z_log_var, noise))
    return measures(image, reconstruction) | {"kl_divergence": kl_divergence(z_mean, z_log_var)}

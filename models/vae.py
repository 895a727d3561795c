"""The variational autoencoder (Kingma and Welling 2013), with a pluggable reconstruction loss."""

import keras

import losses
from losses.kl import kl_divergence
from models.latent import LatentModel, Objective


@keras.saving.register_keras_serializable("models")
class VAE(LatentModel):
    """A β-VAE: minimises the mean over images of reconstruction_loss + beta · KL divergence.

    `save("vae.keras")` keeps it whole. After `import models`, `keras.models.load_model` loads it.

    Args:
        reconstruction_loss: a `losses.ReconstructionLoss`. It compares the image with the decoder's output as it is.
        encoder, decoder, beta, output_space, seed: see LatentModel.
    """

    def __init__(self, encoder, decoder, reconstruction_loss, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.reconstruction_loss = reconstruction_loss

    @staticmethod
    def parts(settings, image_shape):
        """Return the arguments of the constructor that are made from several keys."""
        # lists of windows and strides are not keys of the configuration
        known = losses.hyperparameters(settings.loss).keys() & vars(settings).keys()
        keys = {key: getattr(settings, key) for key in known}
        loss = losses.build(settings.loss, **keys)
        return {"reconstruction_loss": loss, "output_space": losses.output_space(settings.loss)}

    def objective(self, images, noise, step, training=False):
        """Return the Objective: one loss, and as parts the KL divergence and every reconstruction term."""
        z_mean, z_log_var = self.encode(images, training)
        reconstruction = self.decoder_output(self.reparameterize(z_mean, z_log_var, noise), training)
        terms = self.reconstruction_loss.at_step(step if training else None).terms(images, reconstruction)
        reconstruction_loss = sum(terms.values())
        kl = kl_divergence(z_mean, z_log_var)
        loss = reconstruction_loss + self.beta * kl
        parts = {"loss": loss, "reconstruction_loss": reconstruction_loss, "kl_divergence": kl, **terms}
        return Objective((loss,), parts, kl)

    def get_config(self):
        """Return the arguments of the constructor; Keras's own objects as Keras writes them."""
        parts = {"encoder": self.encoder, "decoder": self.decoder, "reconstruction_loss": self.reconstruction_loss}
        return super().get_config() | {
            **{name: keras.saving.serialize_keras_object(part) for name, part in parts.items()},
            "beta": self.fixed_beta,
            "target_kl": self.target_kl,
            "output_space": self.output_space,
            "seed": self.seed,
            "precision": "float16" if self.loss_scale else "float32",
        }

    @classmethod
    def from_config(cls, config):
        """Return the model with the arguments `config`."""
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

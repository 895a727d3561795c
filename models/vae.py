"""The variational autoencoder (Kingma and Welling 2013), with a pluggable reconstruction loss."""

import losses
from losses.kl import kl_divergence
from models.latent import LatentModel, Objective


class VAE(LatentModel):
    """A β-VAE: minimises the mean over images of reconstruction_loss + beta · KL divergence.

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

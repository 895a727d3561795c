"""The Kullback-Leibler divergence of the posterior from the prior."""

from keras import ops


def kl_divergence(z_mean, z_log_var):
    """Return KL[N(z_mean, exp z_log_var) || N(0, 1)] of each image [B], summed over the latents, in nats.

    Source: Kingma and Welling 2013, appendix B. Args: two tensors [B, latent_dim].
    """
    return 0.5 * ops.sum(ops.exp(z_log_var) + z_mean**2 - 1 - z_log_var, axis=1)

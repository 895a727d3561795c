"""The PyTorch peer computes what ours does, so that the times compare the same work."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import losses
from models import VAE
from models.architectures import ARCHITECTURES
from models.networks.conv28 import conv28

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_msssim")

from benchmarks import torch_vae  # noqa: E402

# the spectral terms alone too: in the sums they are small beside SSIM
LOSSES = torch_vae.LOSSES | {"dft": lambda _: torch_vae.STFT(window=28), "stft": lambda _: torch_vae.STFT()}


def turned(kernel):
    """A kernel [h, w, ...] of Keras turned by 180°, the channels first."""
    return np.transpose(kernel[::-1, ::-1], (3, 2, 0, 1))


def tensors(model):
    """The weights of a conv28 in the order and the layout of the peer's parameters."""
    conv_1, bias_1, conv_2, bias_2, posterior, bias = (v.numpy() for v in model.encoder.trainable_variables)
    posterior = posterior.reshape(6, 6, 64, 4).transpose(3, 2, 0, 1).reshape(4, 2304)
    encoder = [conv_1.transpose(3, 2, 0, 1), bias_1, conv_2.transpose(3, 2, 0, 1), bias_2, posterior, bias]
    dense, bias, *deconvolutions = (v.numpy() for v in model.decoder.trainable_variables)
    # the images turned by 180°, the channels first
    dense, bias = (values.reshape(-1, 7, 7, 32)[:, ::-1, ::-1] for values in (dense, bias))
    dense, bias = dense.transpose(3, 1, 2, 0).reshape(1568, 2), bias.transpose(0, 3, 1, 2).reshape(1568)
    return [*encoder, dense, bias, *(turned(v) if v.ndim == 4 else v for v in deconvolutions)]


@pytest.fixture
def pair():
    """A model with random weights and biases, and the peer with the same."""
    keras.utils.set_random_seed(0)
    model = VAE(*conv28((28, 28, 1), 2), losses.build("l2"))
    model.build((None, 28, 28, 1))
    for variable in model.trainable_variables:
        variable.assign_add(tf.random.normal(variable.shape, stddev=0.05))
    peer = torch_vae.VAE()
    with torch.no_grad():
        for parameter, values in zip(peer.parameters(), tensors(model), strict=True):
            assert parameter.shape == values.shape
            parameter.copy_(torch.tensor(values.copy()))
    return model, peer


def channels_first(images):
    return torch.tensor(np.transpose(images, (0, 3, 1, 2)).copy())


@torch.no_grad()
def test_the_peers_model_is_ours(pair, digits):
    """The same weights give the same posterior, KL divergence and decoder output, turned by 180°."""
    model, peer = pair
    z_mean, z_log_var = model.encode(digits)
    np.testing.assert_allclose(
        peer.encoder(channels_first(digits)), tf.concat([z_mean, z_log_var], axis=1), rtol=1e-4, atol=1e-4
    )
    found = peer.decoder(torch.tensor(z_mean.numpy())).flip(2, 3)
    np.testing.assert_allclose(found, channels_first(model.decoder(z_mean)), rtol=1e-4, atol=1e-4)
    kl = peer(channels_first(digits))[1]
    np.testing.assert_allclose(kl, losses.kl_divergence(z_mean, z_log_var), rtol=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_the_peers_losses_are_ours(name, pair, digits):
    """The same values for real digits and their reconstructions by random weights."""
    reconstruction = pair[0].decoder(pair[0].encode(digits)[0])
    expected = losses.build(name).call(digits, reconstruction)
    found = LOSSES[name](1)(channels_first(digits), channels_first(reconstruction))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("size", [64, 256])
def test_the_larger_peers_have_as_many_weights(size):
    """And images of the same size."""
    networks = ARCHITECTURES[f"conv{size}"].networks((size, size, 3), 64)
    peer = torch_vae.VAE(size, 3, 64)
    count = sum(parameter.numel() for parameter in peer.parameters())
    assert count == sum(network.count_params() for network in networks)
    assert peer(torch.zeros(2, 3, size, size))[0].shape == (2, 3, size, size)

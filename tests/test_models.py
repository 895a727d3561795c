"""The VAE: its architecture, its objective, its parts."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import config
import losses
import models
from config.system.errors import UserError
from models import checkpoint
from models.networks.narrow import NarrowConv2DTranspose


def build(**given):
    keras.utils.set_random_seed(0)
    return models.build(config.resolve(given), (28, 28, 1))


# for what leaves the model as it is
built = functools.cache(build)


class TestArchitecture:
    def test_parameters_of_the_paper(self):
        assert built().count_params() == 69_989

    def test_the_decoder_is_linear(self):
        model = build()
        low = [v.assign(-tf.ones_like(v)) for v in model.decoder.trainable_variables[-1:]]
        assert low
        assert float(tf.reduce_min(model.decode(tf.zeros([1, 2])))) < 0

    def test_logits_are_decoded_to_probabilities(self):
        model = build(loss="bce")
        z = tf.random.normal([3, 2])
        np.testing.assert_allclose(model.decode(z), 1 / (1 + np.exp(-model.decoder(z).numpy())), rtol=1e-5)
        assert model.output_space == "logits"

    def test_other_images_are_refused(self):
        with pytest.raises(UserError, match="conv28: expected images of 28x28 pixels, got 32x32"):
            models.build(config.resolve({"architecture": "conv28"}), (32, 32, 3))

    def test_a_window_larger_than_the_image_is_refused_at_once(self):
        with pytest.raises(UserError, match="stft_f"):
            build(stft_f=29)


@pytest.mark.parametrize("path", sorted((config.FOLDER.parent / "checkpoints").rglob("model.npz")), ids=str)
def test_a_shipped_model_is_described_without_the_yaml(path):
    """An edited default changes no model that was trained before: those that are read to build it are all there."""
    _, manifest = checkpoint.read(path)
    settings = manifest["config"]
    assert {"model", "architecture", "latent_dim", "loss", "beta", "seed"} <= settings.keys()
    if settings["model"] == "ambient_vae_gan":
        assert {"measurement", "supervised"} <= settings.keys()


@pytest.mark.parametrize("filters", [1, 3])
def test_the_narrow_convolution_is_the_librarys(filters, rng):
    """The same weights give the same values and gradients."""
    x = tf.constant(rng.normal(size=(2, 7, 5, 4)), tf.float32)
    ours = NarrowConv2DTranspose(filters, 3, padding="same", bias_initializer="normal")
    library = keras.layers.Conv2DTranspose(filters, 3, padding="same")
    found = []
    for layer in (ours, library):
        layer.build(x.shape)
        layer.set_weights(ours.get_weights())
        with tf.GradientTape() as tape:
            y = layer(x)
            value = tf.reduce_sum(y**3)
        found.append([y, *tape.gradient(value, layer.trainable_variables)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


class TestParts:
    def test_reparameterize(self):
        mean, log_var, noise = np.array([[1.0, 2.0]]), np.log([[4.0, 9.0]]), np.array([[0.5, -1.0]])
        np.testing.assert_allclose(built().reparameterize(mean, log_var, noise), [[2.0, -1.0]], rtol=1e-6)

    def test_noise_is_standard_normal_and_differs_by_step(self):
        model = build(latent_dim=64)
        noise = np.stack([model.noise(500, step).numpy() for step in range(3)])
        assert noise.mean() == pytest.approx(0, abs=0.01)
        assert noise.std() == pytest.approx(1, abs=0.01)
        assert abs(np.corrcoef(noise.reshape(3, -1)) - np.eye(3)).max() < 0.02

    def test_sample_decodes_the_prior(self):
        model = built()
        np.testing.assert_array_equal(model.sample(4, seed=1), model.sample(4, seed=1))
        assert (model.sample(4, seed=1).numpy() != model.sample(4, seed=2).numpy()).any()

    def test_manifold_runs_through_the_normal_quantiles(self):
        model = built()
        quantiles = np.array([-0.96742157, 0, 0.96742157])  # of 1/6, 1/2, 5/6
        z = [[x, y] for y in quantiles[::-1] for x in quantiles]
        np.testing.assert_allclose(model.manifold(9), model.decode(tf.constant(z, tf.float32)), atol=1e-6)

    def test_manifold_needs_a_plane(self):
        with pytest.raises(UserError, match="2 latents, got one of 3"):
            build(latent_dim=3).manifold(9)


class TestObjective:
    @pytest.mark.parametrize("loss", ["l2", "ours"])
    def test_reconstruction_plus_beta_kl(self, loss, digits):
        """By hand, from the encoder's and the decoder's outputs."""
        model = build(loss=loss, beta=0.3)
        noise = np.ones((8, 2), np.float32)
        encoded = model.encoder(digits).numpy()
        mean, log_var = encoded[:, :2], encoded[:, 2:]
        output = model.decoder(mean + np.exp(log_var / 2) * noise)
        kl = 0.5 * (np.exp(log_var) + mean**2 - 1 - log_var).sum(1)
        expected = losses.build(loss).call(tf.constant(digits), output).numpy() + 0.3 * kl
        np.testing.assert_allclose(model.objective(digits, noise, step=0).parts["loss"], expected, rtol=1e-5)

    @pytest.mark.slow
    def test_fit_lowers_the_loss_and_reports_every_part(self, digits):
        model = build(loss="ours")
        model.compile("adam", jit_compile=False)
        history = model.fit(tf.data.Dataset.from_tensors(digits), epochs=20, verbose=0).history
        assert set(history) == {"loss", "reconstruction_loss", "kl_divergence", "stft", "ssim"}
        assert history["loss"][-1] < 0.995 * history["loss"][0]

    @pytest.mark.slow
    def test_fit_takes_pairs(self, digits):
        """Of fit(x, x) it reads the images alone, as of fit(x)."""
        histories = []
        for arrays in ([digits], [digits, 0 * digits]):
            model = build(loss="l2")
            model.compile("adam", jit_compile=False)
            histories.append(model.fit(*arrays, epochs=2, shuffle=False, verbose=0).history)
        assert histories[0] == histories[1]

    def test_the_mean_is_over_images_not_over_batches(self, digits):
        """A short last batch must not count more than its share."""
        model = build(loss="l1")
        model.compile(keras.optimizers.SGD(0.0), jit_compile=False)
        data = tf.data.Dataset.from_tensor_slices(digits).batch(5)
        (found,) = model.fit(data, verbose=0).history["l1"]
        noise = [model.noise(size, step) for step, size in enumerate((5, 3))]
        output = model.decoder(model.reparameterize(*model.encode(digits), tf.concat(noise, 0)))
        assert found == pytest.approx(float(abs(output - digits).numpy().mean()), rel=1e-5)


def test_a_model_of_ones_own_networks_compiles_and_fits(digits):
    """Without models.build."""
    model = build(loss="l2")
    own = models.VAE(model.encoder, model.decoder, losses.build("l2"))
    own.compile("adam", jit_compile=False)
    assert {*own.fit(tf.data.Dataset.from_tensors(digits), verbose=0).history} >= {"loss", "l2", "kl_divergence"}

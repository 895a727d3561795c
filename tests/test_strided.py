"""The pairs for larger images, batch normalisation in training, and every loss on colour."""

import csv
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
import test_losses

import config
import losses
import models
import train
from config.system.errors import UserError
from models import checkpoint
from models.architectures import Architecture
from models.networks.strided import normalised
from training import guard

SHAPES = {"conv28": (28, 28, 1), "conv32": (32, 32, 3), "conv64": (64, 64, 3), "author256": (256, 256, 3)}


def layers(part, kind):
    return [layer for layer in part.layers if isinstance(layer, kind)]


def small_pair(image_shape, latent_dim):
    """A small pair with batch normalisation."""
    return normalised(image_shape, latent_dim, [4, 6])


@pytest.fixture
def small(monkeypatch):
    """`small_pair` as an architecture, for the embedded digits."""
    monkeypatch.setitem(models.ARCHITECTURES, "small", Architecture(small_pair, 28, output="bounded"))
    offered = replace(config.KEYS["architecture"], choices=(*models.ARCHITECTURES, "small"))
    monkeypatch.setitem(config.KEYS, "architecture", offered)


class TestArchitectures:
    def test_the_authors_second_model(self):
        """Against its description, layer by layer."""
        encoder, decoder = models.ARCHITECTURES["author256"].networks((256, 256, 3), 200)
        assert [(c.filters, c.strides) for c in layers(encoder, keras.layers.Conv2D)] == [
            (width, (2, 2)) for width in (32, 64, 64, 64, 64)
        ]
        *up, last = layers(decoder, keras.layers.Conv2DTranspose)
        assert [(c.filters, c.strides) for c in up] == [(width, (2, 2)) for width in (64, 64, 64, 32)]
        assert (last.filters, last.strides, last.activation) == (3, (2, 2), keras.activations.sigmoid)
        assert decoder.output_shape == (None, 256, 256, 3)
        assert decoder.count_params() == 954_307
        # nothing between the dense layer and the picture that it is reshaped to
        assert [type(layer) for layer in decoder.layers[:3]] == [
            keras.layers.Dense, keras.layers.Reshape, keras.layers.Conv2DTranspose,
        ]  # fmt: skip
        assert len(layers(encoder, keras.layers.BatchNormalization)) == 5
        assert len(layers(encoder, keras.layers.LeakyReLU)) == 5
        assert encoder.output_shape == (None, 400)
        # convolutions 3·3·in·out + out, norms 4·out, dense 4096·400 + 400
        down = sum(9 * a * b + b + 4 * b for a, b in ((3, 32), (32, 64), (64, 64), (64, 64), (64, 64)))
        assert encoder.count_params() == down + 4096 * 400 + 400

    @pytest.mark.parametrize(
        "size,filters,side",
        [
            (32, [32, 64, 128], 4),
            (48, [32, 64, 128], 6),
            (64, [32, 64, 128, 256], 4),
            (80, [32, 64, 128, 256], 5),
            (96, [32, 64, 128, 256], 6),
            (128, [32, 64, 128, 256, 256], 4),
            (240, [32, 64, 128, 256], 15),
            (256, [32, 64, 128, 256, 256, 256], 4),
        ],
    )
    def test_linear_pairs(self, size, filters, side):
        """From the size of the name down to a few values and up again; the output may leave [0, 1]."""
        keras.utils.set_random_seed(0)
        encoder, decoder = models.ARCHITECTURES[f"conv{size}"].networks((size, size, 3), 5)
        down = layers(encoder, keras.layers.Conv2D)
        assert [(c.filters, c.strides) for c in down] == [(width, (2, 2)) for width in filters]
        assert down[-1].output.shape[1:3] == (side, side)
        assert encoder.output_shape == (None, 10)
        *up, last = layers(decoder, keras.layers.Conv2DTranspose)
        assert [(c.filters, c.strides) for c in up] == [(width, (2, 2)) for width in filters[::-1]]
        assert (last.filters, last.strides) == (3, (1, 1))
        assert decoder.output_shape[1:] == (size, size, 3)
        assert float(tf.reduce_min(decoder(10 * tf.ones([1, 5])))) < 0

    @pytest.mark.parametrize(
        "name,shape,message",
        [
            ("conv28", (64, 64, 3), "conv28: expected images of 28x28 pixels, got 64x64; --architecture=conv64"),
            ("conv64", (32, 32, 3), "conv64: expected images of 64x64 pixels, got 32x32; --architecture=conv32"),
            ("conv256", (64, 48, 3), "conv256: expected images of 256x256 pixels, got 64x48$"),
            ("conv9", (64, 48, 3), "architecture: expected one of conv28, conv32, conv48, conv64, conv80, conv96"),
            ("auto", (64, 48, 3), "architecture: expected square images of 28, 32, 48.* 256 pixels a side, got 64x48$"),
        ],
    )
    def test_images_of_another_size(self, name, shape, message):
        with pytest.raises(UserError, match=message):
            models.build(config.resolve({"architecture": name}), shape)

    def test_every_multiple_of_16_has_one(self):
        sizes = {one.size for one in models.ARCHITECTURES.values()}
        assert {28, *range(32, 257, 16)} == sizes

    @pytest.mark.parametrize(
        "model,size,expected",
        [("vae", 28, "conv28"), ("vae", 32, "conv32"), ("vae", 96, "conv96"), ("vae", 256, "conv256"),
         ("blur_error_vae", 64, "conv64"), ("ambient_vae_gan", 28, "ambient28"), ("ambient_vae_gan", 64, "ambient64")],
    )  # fmt: skip
    def test_it_follows_the_images(self, model, size, expected):
        """Where none is named; a name that is given stays."""
        settings = config.resolve({"model": model})
        assert settings.architecture == "auto"
        assert models.complete(settings, (size, size, 3)).architecture == expected
        named = replace(settings, architecture="author256")
        assert models.complete(named, (256, 256, 3)) == named

    @pytest.mark.slow
    def test_a_run_records_it(self, tmp_path):
        """A training of pictures of 48 pixels, without a word about the architecture; then its checkpoint is loaded."""
        from PIL import Image

        rng = np.random.default_rng(0)
        for i in range(40):
            Image.fromarray(rng.integers(256, size=(48, 48, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
        places = [f"--{kind}_dir={tmp_path / 'out' / kind}" for kind in ("model", "results", "logs")]
        flags = ["--dataset=image_folder", f"--data_dir={tmp_path}", "--image_size=48", "--loss=l2", "--epochs=1"]
        train.main([*flags, *places])
        model, manifest = checkpoint.load_model(tmp_path / "out/model/l2/model.npz")
        settings = checkpoint.configuration(manifest)
        assert settings.architecture == "conv48"
        assert model.image_shape == (48, 48, 3)
        # the same command again, and one that names it
        assert config.differences(settings, replace(settings, architecture="auto")) == []
        assert config.differences(settings, replace(settings, architecture="conv64")) == ["architecture"]

    def test_logits_of_a_bounded_output(self):
        with pytest.raises(UserError, match="images, which author256 puts out, got bce, which takes logits"):
            models.build(config.resolve({"architecture": "author256", "loss": "bce"}), SHAPES["author256"])


class TestEveryLoss:
    """The contract on three channels and larger images."""

    @pytest.mark.parametrize("size", [32, pytest.param(64, marks=pytest.mark.slow)])
    @pytest.mark.parametrize("name", [name for name in test_losses.NAMES if "+" not in name or name == "l2+ffl"])
    def test_contract(self, name, size, rng):
        x = rng.random((2, size, size, 3)).astype(np.float32)
        y = rng.normal(0.5, 0.3, x.shape).astype(np.float32)
        contract = test_losses.TestContract()
        contract.test_images_do_not_influence_each_other(name, (x, y))
        contract.test_terms_add_up(name, (x, y))
        binary = np.round(x)
        contract.test_zero_where_equal(name, binary)
        assert (test_losses.call(losses.build(name), x, y) > 0).all()
        blank = np.full_like(x, 0.5)
        assert abs(test_losses.gradient(losses.build(name), blank, blank)).max() < 2000


class TestBatchNormalisation:
    def test_training_moves_the_averages_by_kerass_rule(self, digits):
        """moving = 0.99 · moving + 0.01 · batch, from 0 and 1."""
        model = self.model()
        mean, variance = self.first(model)
        values = model.encoder.layers[0](digits).numpy()
        model.train_step(tf.constant(digits))
        np.testing.assert_allclose(mean, 0.01 * values.mean((0, 1, 2)), rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(variance, 0.99 + 0.01 * values.var((0, 1, 2)), rtol=1e-4)

    def test_measuring_leaves_them(self, digits):
        model = self.model()
        before = {name: v.numpy() for name, v in checkpoint.weights(model).items()}
        model.objective(digits, model.noise(8, 0), step=0)
        model.reconstruct(digits)
        model.sample(3)
        for name, variable in checkpoint.weights(model).items():
            np.testing.assert_array_equal(variable, before[name])

    @pytest.mark.parametrize("in_a_graph", [False, pytest.param(True, marks=pytest.mark.slow)])
    def test_a_refused_step_leaves_them_and_is_explained(self, digits, in_a_graph):
        model = self.model()
        before = {name: v.numpy() for name, v in checkpoint.weights(model).items()}
        broken = tf.constant(np.where(digits > 0.5, np.nan, digits))
        if in_a_graph:
            model.fit(tf.data.Dataset.from_tensors(broken), verbose=0)
        else:
            model.train_step(broken)
        for name, variable in checkpoint.weights(model).items():
            np.testing.assert_array_equal(variable, before[name])
        found = guard.summary(model, tf.constant(digits), 0)
        trainable = [name for name, v in checkpoint.weights(model).items() if v.trainable]
        assert {f"gradient of {name}" for name in trainable} <= set(found)
        assert not any("moving" in name for name in found)

    def test_they_are_stored(self, tmp_path, digits, small):
        settings = config.resolve({"architecture": "small", "loss": "l2"})
        model = models.build(settings, (28, 28, 1))
        mean, _ = self.first(model)
        mean.assign(mean + 3)
        checkpoint.save_model(tmp_path / "model.npz", model, settings)
        loaded, _ = checkpoint.load_model(tmp_path / "model.npz")
        np.testing.assert_array_equal(loaded.reconstruct(digits), model.reconstruct(digits))
        np.testing.assert_array_equal(self.first(loaded)[0], mean)

    @pytest.mark.slow
    def test_a_resumed_run_ends_in_the_same_bits(self, tmp_path, small):
        flags = ["--architecture=small", "--loss=l2", "--train_size=90", "--batch_size=20", "--test_size=20"]
        for name, epochs in (("whole", [2]), ("cut", [1, 2])):
            places = [f"--{kind}_dir={tmp_path / name / kind}" for kind in ("model", "results", "logs")]
            for count in epochs:
                train.main([*flags, *places, f"--epochs={count}", *(["--resume"] if count > epochs[0] else [])])
        whole, cut = (checkpoint.read(tmp_path / name / "model/l2/model.npz")[0] for name in ("whole", "cut"))
        assert (whole["encoder/norm_1/moving_mean"] != 0).any()
        for name, tensor in whole.items():
            np.testing.assert_array_equal(tensor, cut[name])
        rows = [list(csv.reader((tmp_path / name / "results/l2/metrics.csv").open())) for name in ("whole", "cut")]
        assert rows[0] == rows[1]

    @staticmethod
    def first(model):
        """The moving mean and variance of the encoder's first normalisation."""
        norm = layers(model.encoder, keras.layers.BatchNormalization)[0]
        return norm.moving_mean, norm.moving_variance

    @staticmethod
    def model():
        keras.utils.set_random_seed(0)
        model = models.VAE(*small_pair((28, 28, 1), 2), losses.build("l2"))
        model.build(model.encoder.input_shape)
        model.compile("adam", jit_compile=False)
        return model

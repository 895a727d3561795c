"""The ambient VAE-GAN against numpy, plain training with three optimizers, and images it must not see."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from test_training import SMALL, folders, outcome

import config
import data
import evaluate
import generate
import measurements
import models
import train
from config.system.errors import UserError
from evaluation.metrics import psnr
from evaluation.scoring import score
from models import checkpoint
from models.ambient_vae_gan import AmbientVAEGAN, Judged, discriminator_loss
from training import guard, loop

SHAPE = (28, 28, 1)
WEIGHTS = {"beta": 0.7, "alpha": 3.0, "feature_weight": 2.0, "gamma": 0.4}


@pytest.fixture
def images(rng):
    return tf.constant(rng.random((6, *SHAPE)), tf.float32)


def normalisation():
    return layers.BatchNormalization(name="norm")


def networks(latent_dim):
    """An encoder, a decoder and a discriminator of few layers, each with a normalisation."""
    encoder = [layers.Conv2D(3, 7, strides=7, name="conv"), normalisation(), layers.Flatten()]
    encoder += [layers.Dense(2 * latent_dim, name="posterior")]
    decoder = [layers.Dense(16, activation="relu", name="dense"), normalisation()]
    decoder += [layers.Dense(28 * 28, activation="sigmoid", name="pixels"), layers.Reshape(SHAPE)]
    image = keras.Input(SHAPE)
    features = normalisation()(layers.Conv2D(5, 7, strides=7, name="conv")(image))
    logit = layers.Dense(1, name="logit")(layers.Flatten()(features))
    return (
        keras.Sequential([keras.Input(SHAPE), *encoder], name="encoder"),
        keras.Sequential([keras.Input([latent_dim]), *decoder], name="decoder"),
        keras.Model(image, [features, logit], name="discriminator"),
    )


def small(measurement="drop_patch", latent_dim=4, seed=1, p=0.8, **given):
    keras.utils.set_random_seed(0)
    parameters = {"p": p} if "p" in measurements.parameters(measurement) else {}
    measurement = measurements.build(measurement, **parameters)
    return AmbientVAEGAN(*networks(latent_dim), measurement=measurement, seed=seed, **(WEIGHTS | given))


def paired(model, images):
    """A batch of the training set."""
    return tf.constant(model.training_set(images))


class Oracle:
    """Every loss of a step in numpy, from the networks' outputs, [B]; f measures unless `clean`."""

    def __init__(self, model, observed, target, noise, training=False):
        self.model, self.noise, self.training, self.target = model, noise, training, target.numpy()
        self.mean, self.log_var = np.split(model.encoder(observed, training=training).numpy(), 2, axis=1)
        self.real = self.judge(target)

    def judge(self, images):
        return [found.numpy() for found in self.model.discriminator(images, training=self.training)]

    def made(self, z, theta):
        image = self.model.decoder(z, training=self.training)
        measured = image if self.model.supervised else self.model.measurement.apply(image, theta)
        return image.numpy(), measured.numpy(), *self.judge(measured)

    def restored(self, noise):
        return self.made(self.mean + np.exp(self.log_var / 2) * noise, self.noise.theta)

    def rec(self, made):
        image, measured, features, _ = made
        side = image if self.model.pixel_side == "unmeasured" else measured
        reduce = getattr(np, self.model.rec_reduction)
        pairs = (side, self.target), (features, self.real[0])
        pixels, parts = (reduce((one - other) ** 2, (1, 2, 3)) for one, other in pairs)
        if self.model.pixel_side == "marginal" and not self.model.supervised:
            pixels = self.model.measurement.marginal_error(image, self.target, self.model.alpha).numpy()
            pixels /= 1 if reduce is np.sum else image[0].size
        return self.model.alpha / 2 * pixels + self.model.feature_weight / 2 * parts

    def encoder_loss(self):
        kl = -0.5 * (1 + self.log_var - self.mean**2 - np.exp(self.log_var)).mean(1)
        return self.model.beta * kl + self.rec(self.restored(self.noise.encoder))

    def decoder_loss(self):
        made, dreamt = self.restored(self.noise.decoder), self.made(self.noise.decoder_prior, self.noise.theta_prior)
        return bce(dreamt[3], 0.375) + bce(made[3], 0.375) + self.model.gamma * self.rec(made)

    def discriminator_loss(self):
        made = self.restored(self.noise.discriminator)
        dreamt = self.made(self.noise.discriminator_prior, self.noise.theta_prior)
        return bce(self.real[1], 0.75) + bce(dreamt[3], 0) + bce(made[3], 0)


def bce(logit, probability):
    said = 1 / (1 + np.exp(-logit[:, 0].astype(float)))
    return -probability * np.log(said) - (1 - probability) * np.log(1 - said)


class TestTargets:
    """The published targets of the discriminator's verdicts: 0.75 for real images, 0 for made ones, 0.375 wished."""

    @staticmethod
    def judged(logit):
        """An image, measured, with this verdict; blank, so that nothing else counts."""
        return Judged(tf.zeros([1, *SHAPE]), tf.zeros([1, *SHAPE]), tf.zeros([1, 2, 2, 3]), tf.constant([[logit]]))

    def test_of_the_decoder(self):
        real, restored, sampled = map(self.judged, (2.0, -0.7, 1.3))
        said = 1 / (1 + np.exp([0.7, -1.3]))
        expected = -(0.375 * np.log(said) + 0.625 * np.log(1 - said)).sum()
        np.testing.assert_allclose(small().decoder_loss(real, restored, sampled), [expected], rtol=1e-5)

    def test_of_the_discriminator(self):
        real, restored, sampled = map(self.judged, (2.0, -0.7, 1.3))
        said = 1 / (1 + np.exp([-2.0, 0.7, -1.3]))
        expected = -0.75 * np.log(said[0]) - 0.25 * np.log(1 - said[0]) - np.log(1 - said[1:]).sum()
        np.testing.assert_allclose(discriminator_loss(real, restored, sampled), [expected], rtol=1e-5)


class TestNetworks:
    @pytest.mark.parametrize("name,shape,latents,expected", [
        ("ambient64", (64, 64, 3), 128, [17_414_400, 3_070_019, 1_974_017]),
        ("ambient28", (28, 28, 1), 20, [64_520, 40_865, 24_513]),
    ])  # fmt: skip
    def test_trainable_parameters(self, name, shape, latents, expected):
        """By hand from the widths; the published system's are 17.41 M, 3.07 M and 1.97 M."""
        networks = *models.ARCHITECTURES[name].networks(shape, latents), models.ARCHITECTURES[name].discriminator(shape)
        assert [sum(np.prod(v.shape) for v in one.trainable_variables) for one in networks] == expected

    @pytest.mark.parametrize("name,features", [("ambient28", 64), ("ambient32", 128), ("ambient64", 256)])
    def test_shapes_and_ranges(self, name, features, rng):
        side = models.ARCHITECTURES[name].size
        encoder, decoder = models.ARCHITECTURES[name].networks((side, side, 3), 7)
        found, logit = models.ARCHITECTURES[name].discriminator((side, side, 3))(rng.random((2, side, side, 3)))
        assert (found.shape, logit.shape) == ((2, 4, 4, features), (2, 1))
        assert float(tf.reduce_min(found)) < 0
        assert encoder(rng.random((2, side, side, 3))).shape == (2, 14)
        decoder.get_layer("output").bias.assign([-20, 0, 20])
        image = decoder(rng.normal(size=(2, 7))).numpy()
        assert image.shape == (2, side, side, 3)
        np.testing.assert_allclose(image.min((0, 1, 2)), [0, 0.5, 1], atol=0.2)

    def test_equal_layers_begin_unequal(self):
        decoder = models.ARCHITECTURES["ambient32"].networks((32, 32, 3), 7)[1]
        kernels = [decoder.get_layer(name).kernel.numpy() for name in ("deconv_1", "deconv_2")]
        flat = [kernel.ravel()[:500] for kernel in kernels]
        assert not np.allclose(*flat)
        assert np.std(kernels[0]) == pytest.approx(0.02, rel=0.05)


class TestObjective:
    @pytest.mark.parametrize("measurement", ["drop_patch", "add_noise"])
    @pytest.mark.parametrize("supervised", [False, True])
    @pytest.mark.slow
    def test_the_three_losses(self, measurement, supervised, images):
        model = small(measurement, supervised=supervised)
        noise, batch = model.noise(6, 2), paired(model, images)
        observed, target = tf.unstack(batch, axis=1) if supervised else (batch, batch)
        oracle = Oracle(model, observed, target, noise)
        for side, reduction in (("measured", "mean"), ("unmeasured", "sum"), ("marginal", "sum"), ("marginal", "mean")):
            model.pixel_side, model.rec_reduction = side, reduction
            found = model.objective(batch, noise, step=2).parts
            expected = {
                name: getattr(oracle, name)() for name in ("encoder_loss", "decoder_loss", "discriminator_loss")
            }
            for name, values in expected.items():
                np.testing.assert_allclose(found[name], values, rtol=1e-4, err_msg=f"{name}, {side}, {reduction}")
            np.testing.assert_allclose(found["loss"], sum(expected.values()), rtol=1e-4)

    def test_without_a_measurement_it_is_a_vae_gan(self, images):
        """Larsen et al.'s: the images themselves are compared and judged, clean or not makes no difference."""
        model, twin = small("none"), small("none", supervised=True)
        noise = model.noise(6, 0)
        np.testing.assert_array_equal(model.training_set(images), images)
        np.testing.assert_array_equal(model.training_set(images), twin.training_set(images)[:, 1])
        found, other = (
            model.objective(images, noise, 0).parts,
            twin.objective(paired(twin, images), noise, 0).parts,
        )
        oracle = Oracle(twin, images, images, noise)
        for name in ("encoder_loss", "decoder_loss", "discriminator_loss"):
            np.testing.assert_allclose(found[name], other[name], rtol=1e-6)
            np.testing.assert_allclose(found[name], getattr(oracle, name)(), rtol=1e-4)
        for side in ("measured", "unmeasured"):
            again = small("none", pixel_side=side).objective(images, noise, 0).parts
            np.testing.assert_array_equal(again["loss"], found["loss"])

    def test_every_update_has_noise_of_its_own_and_every_step(self):
        model = small("add_noise")
        draws = [value.numpy() for step in (0, 1, -1) for value in model.noise(3, step)]
        assert len({value.tobytes() for value in draws}) == len(draws)
        for one, again in zip(model.noise(3, 1), small("add_noise").noise(3, 1), strict=True):
            np.testing.assert_array_equal(one, again)

    @pytest.mark.parametrize("side,expected", [("unmeasured", 1), ("measured", 0.4)])
    def test_the_brightness_at_which_the_mean_pixel_error_is_least(self, side, expected, rng):
        """Of images c·x: E (θ c x - θ' x)² / x² is c²/(1 - p) - 2c + const, without θ c² - 2c + const; p = 0.6."""
        model = small("drop_independent", pixel_side=side, p=0.6)
        x = tf.constant(rng.random((4000, *SHAPE)), tf.float32)
        observed, theta = model.measurement(x, [0, 0]), model.measurement.draw(x.shape, [0, 1])
        features = tf.zeros([1, 1, 1, 1])

        def error(c):
            made = Judged(c * x, model.measurement.apply(c * x, theta), features, None)
            return float(tf.reduce_mean(model.errors(made, Judged(x, observed, features, None)).pixel_error))

        below, at, above = (error(c) for c in (0.0, 1.0, 2.0))
        least = 1 - (above - below) / 2 / (above - 2 * at + below)
        assert least == pytest.approx(expected, abs=0.01)


class TestTrainingSet:
    def test_each_image_is_measured_once(self, rng):
        images = rng.integers(1, 256, (1200, *SHAPE), np.uint8)
        model = small("drop_patch")
        found = model.training_set(images)
        theta = found == 0
        assert found.dtype == np.float32
        np.testing.assert_allclose(found[~theta], (images / 255)[~theta], rtol=1e-6)
        assert (theta.sum((1, 2, 3)) == 14**2).all()
        assert len({mask.tobytes() for mask in theta}) > 200  # of the 225 positions
        np.testing.assert_array_equal(model.training_set(images[:1100]), found[:1100])
        assert not np.array_equal(small("drop_patch", seed=2).training_set(images), found)

    def test_supervised_has_the_clean_image_beside_the_same_measured(self, images):
        found = small("add_noise", supervised=True).training_set(images)
        np.testing.assert_array_equal(found[:, 1], images)
        np.testing.assert_array_equal(found[:, 0], small("add_noise").training_set(images))


class TestTraining:
    @pytest.mark.parametrize("supervised", [False, pytest.param(True, marks=pytest.mark.slow)])
    def test_each_step_is_one_of_three_optimizers_on_weights_of_their_own(self, supervised, images):
        """Two steps by hand: one tape and one RMSprop for each network's loss."""
        model, twin = (small("drop_independent", supervised=supervised) for _ in range(2))
        model.build(model.encoder.input_shape)
        model.compile(keras.optimizers.RMSprop(0.01), jit_compile=False)
        networks = {"encoder": twin.encoder, "decoder": twin.decoder, "discriminator": twin.discriminator}
        by_hand = {name: keras.optimizers.RMSprop(0.01) for name in networks}
        batch = paired(model, images)
        for step in range(2):
            model.train_step(batch)
            kept = [tf.identity(v) for v in twin.non_trainable_variables]
            found = {}
            for name, network in networks.items():
                for variable, value in zip(twin.non_trainable_variables, kept, strict=True):
                    variable.assign(value)
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(twin.objective(batch, twin.noise(6, step), step, True).parts[f"{name}_loss"])
                found[name] = tape.gradient(loss, network.trainable_variables)
            for name, network in networks.items():
                by_hand[name].apply_gradients(zip(found[name], network.trainable_variables, strict=True))
        assert [int(optimizer.iterations) for optimizer in model.optimizers] == [2, 2, 2]
        for name, variable in checkpoint.weights(model).items():
            np.testing.assert_allclose(variable, checkpoint.weights(twin)[name], rtol=1e-3, atol=1e-5, err_msg=name)

    def test_the_three_sets_are_disjoint_and_all_there_is(self, images):
        model = small()
        model.build(model.encoder.input_shape)
        model.compile(keras.optimizers.RMSprop(0.01), jit_compile=False)
        names = {id(variable): name for name, variable in checkpoint.weights(model).items()}
        sets = [{names[id(v)] for v in optimizer._trainable_variables} for optimizer in model.optimizers]
        assert len(set.union(*sets)) == sum(map(len, sets)) == len(model.trainable_variables)
        assert [{name.split("/")[0] for name in own} for own in sets] == [{"encoder"}, {"decoder"}, {"discriminator"}]

    def test_one_optimizer_moves_one_network(self, images):
        model = small()
        model.build(model.encoder.input_shape)
        model.compile(keras.optimizers.RMSprop(0.0), jit_compile=False)
        trainable = {id(v) for v in model.trainable_variables}
        for number, network in enumerate(("encoder", "decoder", "discriminator")):
            before = {name: variable.numpy() for name, variable in checkpoint.weights(model).items()}
            model.optimizers[number].learning_rate = 0.01
            model.train_step(images)
            model.optimizers[number].learning_rate = 0.0
            moved = {
                name.split("/")[0]
                for name, variable in checkpoint.weights(model).items()
                if id(variable) in trainable and not np.array_equal(variable, before[name])
            }
            assert moved == {network}

    def test_a_step_that_is_not_finite_moves_nothing(self, images):
        model = small()
        model.build(model.encoder.input_shape)
        model.compile(keras.optimizers.RMSprop(0.01), jit_compile=False)
        model.train_step(images)
        variables = {**checkpoint.weights(model), **{v.path: v for o in model.optimizers for v in o.variables}}
        before = {name: variable.numpy() for name, variable in variables.items()}
        model.train_step(images * float("nan"))
        for name, variable in variables.items():
            np.testing.assert_array_equal(variable, before[name], err_msg=name)

    def test_the_record_of_a_step_names_every_gradient(self, images):
        model = small(supervised=True)
        batch = paired(model, images)
        found = guard.summary(model, batch, step=2)
        norms = {
            id(v): np.linalg.norm(g) for group in model.gradients(batch, model.noise(6, 2), 2)[1] for g, v in group
        }
        named = {name: norms[id(v)] for name, v in checkpoint.weights(model).items() if id(v) in norms}
        assert len(named) == len(norms) == len(model.trainable_variables)
        for name, norm in named.items():
            assert found[f"gradient of {name}"] == pytest.approx(norm, rel=1e-4)


class TestEvaluation:
    def test_quality_is_of_the_restored_measured_image(self, digits):
        model = small("drop_patch")
        images = np.uint8(digits * 255)
        found = score(model, images, seed=5)
        restored = model.reconstruct(model.measurement(digits, [5, 1]))
        np.testing.assert_allclose(found["psnr"], psnr(digits, restored), rtol=1e-4)
        fewer = score(model, images[:3], seed=5)
        np.testing.assert_allclose(fewer["psnr"], found["psnr"][:3], rtol=1e-4)

    def test_a_restoration_does_not_depend_on_its_batch(self, images):
        model = small()
        np.testing.assert_allclose(model.reconstruct(images)[:2], model.reconstruct(images[:2]), atol=1e-6)
        features, logit = model.discriminate(images)
        np.testing.assert_allclose(model.discriminate(images[:2])[1], logit[:2], atol=1e-6)
        assert features.shape == (6, 4, 4, 5)

    def test_the_picture_shows_measured_and_restored(self, images):
        model = small()
        found = model.pictures(images)["restored"]
        measured = model.measurement(images, [0, 1])
        np.testing.assert_array_equal(found[:, :, :28], measured)
        np.testing.assert_array_equal(found[:, :, 28:], model.reconstruct(measured))


MARGINAL = ["--architecture=ambient28", "--pixel_side=marginal"]


def preset_settings(name):
    """The Settings of the one run in a file of config/experiments."""
    (given,) = config.read_experiment(config.FOLDER / f"experiments/{name}.yml", {})
    return config.resolve(given)


class TestConfiguration:
    def test_the_keys_reach_the_model(self):
        given = {"supervised": 1, "alpha": 3.0, "feature_weight": 0.5, "gamma": 0.2, "pixel_side": "unmeasured"}
        given |= {"rec_reduction": "sum", "beta": 0.3, "seed": 7, "measurement": "drop_patch", "measurement_k": 9}
        model = models.build(config.resolve(given | {"model": "ambient_vae_gan", "architecture": "ambient28"}), SHAPE)
        names = ("supervised", "alpha", "feature_weight", "gamma", "pixel_side", "rec_reduction", "beta", "seed")
        assert [getattr(model, name) for name in names] == [given[name] for name in names]
        assert (model.measurement.draw((5, *SHAPE), [0, 0]).numpy() == 0).sum() == 5 * 81

    def test_where_networks_are_centred_so_is_the_measurement(self):
        given = {"model": "ambient_vae_gan", "architecture": "ambient32", "measurement": "drop_patch"}
        model = models.build(config.resolve(given), (32, 32, 3))
        assert set(np.unique(model.measurement(tf.ones([2, 32, 32, 3]), [0, 0]))) == {0.5, 1}

    @pytest.mark.parametrize("preset,shape,latent_dim,alpha", [
        ("ambient_mnist", SHAPE, 20, 10),
        ("ambient_64", (64, 64, 3), 128, 40),
    ])  # fmt: skip
    def test_the_presets_are_the_papers(self, preset, shape, latent_dim, alpha):
        """The published alpha is 10 in the range of the network: of width 2 at 64 pixels, where errors are 4 times."""
        settings = preset_settings(preset)
        models.require_fit(settings, shape)
        rate = loop.learning_rate(settings)
        steps = np.array([0, 10_000, 25_000])
        np.testing.assert_allclose([float(rate(step)) for step in steps], 3e-4 * 0.98 ** (steps / 1e4), rtol=1e-5)
        assert (settings.optimizer, settings.batch_size, settings.latent_dim) == ("rmsprop", 64, latent_dim)
        assert (settings.alpha, settings.feature_weight, settings.gamma, settings.beta) == (alpha, 1, 1e-6, 1)
        assert (settings.rec_reduction, settings.pixel_side, settings.supervised) == ("mean", "measured", 0)

    @pytest.mark.parametrize("preset,shape", [("ambient", SHAPE), ("ambient_colour", (32, 32, 3))])
    def test_the_presets_of_sums(self, preset, shape):
        """The KL divergence counts as a sum over latents, and the rate has one cycle, of half of the steps each way."""
        for stage in config.read_experiment(config.FOLDER / f"experiments/{preset}.yml", {}):
            settings = config.resolve(stage)
            models.require_fit(settings, shape)
            assert (settings.rec_reduction, settings.gamma) == ("sum", 1)
            assert settings.pixel_side in ("marginal", "unmeasured")
            assert settings.beta == settings.latent_dim
            assert (settings.lr_mode, settings.lr_step_size) == ("triangular", 0)

    @pytest.mark.parametrize("given,message", [
        (["--architecture=conv28"], "expected one of ambient28, ambient32, ambient64 for model ambient_vae_gan, got"),
        (["--architecture=ambient32"], "expected images of 32x32 pixels, got 28x28; --architecture=ambient28"),
        (["--architecture=ambient28", "--measurement=fog"], "measurement: expected one of none, drop_independent"),
        (["--architecture=ambient28", "--measurement=drop_patch", "--measurement_k=29"], "28 pixels, got 29"),
        ([*MARGINAL, "--measurement=drop_rowcol"], "pixel_side: expected measured or unmeasured, got marginal"),
        ([*MARGINAL, "--measurement=drop_patch", "--alpha=0"], "alpha: expected more than 0 with pixel_side marginal"),
        (["--model=vae", "--measurement=drop_row"], "expected only with model ambient_vae_gan, got model vae"),
        (["--supervised=2"], "--supervised: expected a whole number from 0 to 1, got '2'"),
        (["--loss=l2"], "loss: expected none with model ambient_vae_gan, which has its own, got 'l2'"),
    ])  # fmt: skip
    def test_refusals(self, given, message, tmp_path):
        with pytest.raises(UserError) as refusal:
            train.main(["--model=ambient_vae_gan", *folders(tmp_path), *given])
        assert message in str(refusal.value)


FLAGS = [flag for flag in SMALL if not flag.startswith("--loss")]
FLAGS += ["--config=config/experiments/ambient_mnist.yml", "--dataset=mnist", "--measurement=drop_patch"]
TAG = "ambient_vae_gan"


def run(path, *flags):
    train.main([*FLAGS, *folders(path), *flags])


@pytest.mark.slow
class TestRuns:
    @pytest.fixture(scope="class")
    def whole(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("whole")
        run(folder, "--epochs=2")
        return folder

    def test_a_run_goes_on_to_the_same_bits(self, tmp_path, whole):
        run(tmp_path, "--epochs=1")
        run(tmp_path, "--epochs=2", "--resume")
        assert outcome(tmp_path, TAG) == outcome(whole, TAG)

    def test_a_supervised_run_goes_on_to_the_same_bits(self, tmp_path, whole):
        for name, flags in {"a": [["--epochs=2"]], "b": [["--epochs=1"], ["--epochs=2", "--resume"]]}.items():
            for given in flags:
                run(tmp_path / name, "--supervised=1", *given)
        assert outcome(tmp_path / "a", TAG) == outcome(tmp_path / "b", TAG) != outcome(whole, TAG)

    def test_no_clean_image_reaches_the_training(self, tmp_path, whole, monkeypatch, rng):
        """Once measured, clean images, of training and test, become garbage: the same bits. Supervised, others."""

        def garbled(model, images, measure=AmbientVAEGAN.training_set):
            found = measure(model, images)
            if len(images) > 1:
                images[:] = rng.integers(0, 256, images.shape)
            return found

        def copied(settings, prepare=loop.prepare):
            complete, images, test_images = prepare(settings)
            return complete, images.copy(), np.uint8(rng.integers(0, 256, test_images.shape))

        monkeypatch.setattr(AmbientVAEGAN, "training_set", garbled)
        monkeypatch.setattr(loop, "prepare", copied)
        run(tmp_path, "--epochs=2")
        assert outcome(tmp_path, TAG)[0] == outcome(whole, TAG)[0]

    def test_what_is_written_and_the_commands_take_it(self, whole, tmp_path, capsys):
        rows = list(csv.DictReader((whole / "results" / TAG / "metrics.csv").open()))
        names = {"encoder_loss", "decoder_loss", "discriminator_loss", "kl_divergence", "test_ssim"}
        assert names <= set(rows[-1])
        total = sum(float(rows[-1][name]) for name in names if name.endswith("loss"))
        assert float(rows[-1]["loss"]) == pytest.approx(total, rel=1e-5)
        assert (whole / "results" / TAG / "restored.png").exists()
        place = [f"--model_dir={whole / 'model'}", f"--loss={TAG}"]
        generate.main([*place, f"--out_dir={tmp_path}"])
        assert (tmp_path / TAG / "gen_samples.png").exists()
        evaluate.main(
            [*place, "--z=mean", "--split=held-out", f"--out_dir={tmp_path}", f"--json={tmp_path / 'a.json'}"]
        )
        assert "| ambient VAE-GAN |" in capsys.readouterr().out

    def test_what_train_says_is_measured_on_damaged_test_images(self, whole):
        model, _ = checkpoint.load_model(whole / "model" / TAG / "model.npz")
        images = data.load("mnist", "test").images[:50]
        clean = images.astype(np.float32) / 255
        expected = psnr(clean, model.reconstruct(model.measurement(clean, [0, 1]))).numpy().mean()
        row = next(csv.DictReader((whole / "results/runs.csv").open()))
        assert float(row["psnr"]) == pytest.approx(expected, abs=1e-3)

    def test_a_step_that_is_not_finite_is_recorded_and_replayed(self, tmp_path, monkeypatch):
        def poisoned(model, images, measure=AmbientVAEGAN.training_set):
            return measure(model, images) * np.float32("nan") if len(images) > 1 else measure(model, images)

        monkeypatch.setattr(AmbientVAEGAN, "training_set", poisoned)
        with pytest.raises(UserError, match="step 0: the loss or a gradient is not finite"):
            run(tmp_path, "--epochs=1", "--supervised=1")
        step, terms = guard.replay(tmp_path / "model" / TAG / "failed_step.npz")
        assert step == 0
        assert np.isnan(terms["encoder_loss"])

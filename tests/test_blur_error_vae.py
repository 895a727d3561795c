"""The blur-error VAE against dense circulant matrices, closed forms and plain training with two optimizers."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter
from scipy.stats import multivariate_normal
from test_training import SMALL, folders, outcome

import config
import data
import evaluate
import generate
import models
import train
from config.schema import KEYS
from config.system.errors import UserError
from models import checkpoint, wiener
from models.blur_error_vae import BlurErrorVAE, kernel_network
from training import guard

C0 = 0.025
# even and odd sides: the last column of the half-plane is its own mirror image only where the width is even
SHAPES = [(8, 8, 1), (7, 8, 2), (8, 5, 3)]


@pytest.fixture
def kernel(rng):
    """Three random softmax kernels, [3, 3, 3]."""
    return softmax(rng.normal(size=(3, 3, 3)))


def softmax(logits):
    weights = np.exp(logits)
    return weights / weights.sum((1, 2), keepdims=True)


def blur_matrix(kernel, height, width):
    """The circulant matrix [HW, HW] of a kernel [m, m], column by column: the kernel around each pixel."""
    reach = len(kernel) // 2
    columns = []
    for y in range(height):
        for x in range(width):
            image = np.zeros((height, width))
            for i, row in enumerate(kernel):
                for j, value in enumerate(row):
                    image[(y + i - reach) % height, (x + j - reach) % width] += value
            columns.append(image.ravel())
    return np.stack(columns, axis=1)


def wiener_matrix(kernel, height, width, c0=C0):
    """W [HW, HW], the regularised inverse of a blur."""
    blur = blur_matrix(kernel, height, width)
    return np.linalg.solve(blur.T @ blur + c0 * np.eye(height * width), blur.T)


def vectors(images):
    """Images [B, H, W, C] as vectors [B, C, HW]."""
    return np.moveaxis(images, 3, 1).reshape(len(images), images.shape[3], -1)


def form(residual, kernel):
    """rᵀWᵀWr [B], summed over channels."""
    matrices = [wiener_matrix(one, *residual.shape[1:3]) for one in kernel]
    return np.array([((r @ matrix.T) ** 2).sum() for r, matrix in zip(vectors(residual), matrices, strict=True)])


def determinant(kernel, shape, c0=C0):
    """log|WᵀW| [B] over all channels."""
    matrices = [wiener_matrix(one, *shape[:2], c0) for one in kernel]
    return np.array([shape[2] * np.linalg.slogdet(matrix.T @ matrix)[1] for matrix in matrices])


def quad(residual, kernel):
    power = wiener.power_of_kernel(tf.constant(kernel, tf.float32), *residual.shape[1:3])
    return wiener.quadratic_form(tf.constant(residual, tf.float32), power, C0)


def log_determinant(kernel, shape, eps=0.0):
    return wiener.log_determinant(wiener.power_of_kernel(tf.constant(kernel, tf.float32), *shape[:2]), shape, C0, eps)


@pytest.mark.parametrize("shape", SHAPES)
class TestAgainstDenseMatrices:
    def test_the_quadratic_form(self, shape, kernel, rng):
        residual = rng.normal(size=(3, *shape))
        np.testing.assert_allclose(quad(residual, kernel), form(residual, kernel), rtol=1e-4)

    def test_the_determinant(self, shape, kernel):
        np.testing.assert_allclose(log_determinant(kernel, shape), determinant(kernel, shape), rtol=1e-4)

    def test_half_of_the_plane_tells_the_whole(self, shape, kernel, rng):
        """numpy's full transforms; the kernel zero-padded and rolled so that its centre is at (0, 0)."""
        height, width, channels = shape
        residual = rng.normal(size=(3, *shape))
        padded = np.pad(kernel, [(0, 0), (0, height - 3), (0, width - 3)])
        power = abs(np.fft.fft2(np.roll(padded, (-1, -1), (1, 2)))) ** 2
        errors = (abs(np.fft.fft2(residual, axes=(1, 2))) ** 2).sum(3)
        whole = (power / (power + C0) ** 2 * errors).sum((1, 2)) / (height * width)
        np.testing.assert_allclose(quad(residual, kernel), whole, rtol=1e-4)
        whole = channels * (np.log(power + 1e-3) - 2 * np.log(power + C0)).sum((1, 2))
        np.testing.assert_allclose(log_determinant(kernel, shape, eps=1e-3), whole, rtol=1e-4)

    def test_the_kernels_own_loss(self, shape, kernel, rng):
        image, reconstruction = rng.normal(size=(2, 3, *shape))
        blurred = [x @ blur_matrix(one, *shape[:2]).T for x, one in zip(vectors(image), kernel, strict=True)]
        expected = ((vectors(reconstruction) - blurred) ** 2).sum((1, 2))
        found = wiener.blur_error(*(tf.constant(a, tf.float32) for a in (image, reconstruction, kernel)))
        np.testing.assert_allclose(found, expected, rtol=1e-4)

    def test_the_gradients(self, shape, kernel, rng):
        """By the residual 2WᵀWr; by the kernel, differences of the dense matrices' values."""
        residual = rng.normal(size=(3, *shape))
        k, r = tf.constant(kernel, tf.float32), tf.constant(residual, tf.float32)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([k, r])
            power = wiener.power_of_kernel(k, *shape[:2])
            value = wiener.quadratic_form(r, power, C0)
            volume = wiener.log_determinant(power, shape, C0, 0.0)
        by_residual = [x @ (w.T @ w) for x, w in zip(vectors(residual), wieners(kernel, shape), strict=True)]
        np.testing.assert_allclose(
            vectors(tape.gradient(value, r).numpy()), 2 * np.array(by_residual), rtol=1e-3, atol=1e-3
        )
        step = 1e-5 * np.eye(9).reshape(9, 1, 3, 3)
        for found, function in ((value, lambda k: form(residual, k)), (volume, lambda k: determinant(k, shape))):
            slopes = np.stack([(function(kernel + d) - function(kernel - d)) / 2e-5 for d in step], axis=1)
            np.testing.assert_allclose(tape.gradient(found, k).numpy().reshape(3, 9), slopes, rtol=1e-3, atol=1e-2)


def wieners(kernel, shape):
    return [wiener_matrix(one, *shape[:2]) for one in kernel]


class TestClosedForms:
    def test_no_blur(self, rng):
        """quad = ‖r‖² / (1 + c₀)², log-determinant = -2 D log(1 + c₀)."""
        residual = rng.normal(size=(2, 8, 6, 3))
        identity = np.zeros((2, 5, 5))
        identity[:, 2, 2] = 1
        np.testing.assert_allclose(quad(residual, identity), (residual**2).sum((1, 2, 3)) / (1 + C0) ** 2, rtol=1e-5)
        np.testing.assert_allclose(log_determinant(identity, (8, 6, 3)), -2 * 144 * np.log(1 + C0), rtol=1e-5)

    def test_the_largest_weight(self, rng):
        """1 / (4 c₀), where |K| = √c₀."""
        residual = rng.normal(size=(1, 8, 8, 1))
        kernel = np.sqrt(C0) * np.eye(1)[None]
        np.testing.assert_allclose(quad(residual, kernel), (residual**2).sum() / (4 * C0), rtol=1e-5)

    def test_a_shifted_kernel(self, kernel, rng):
        """The same likelihood, another kernel's loss."""
        image = rng.normal(size=(3, 8, 8, 2))
        there, here = np.pad(kernel, [(0, 0), (0, 2), (2, 0)]), np.pad(kernel, [(0, 0), (1, 1), (1, 1)])
        np.testing.assert_allclose(quad(image, there), quad(image, here), rtol=1e-4)
        np.testing.assert_allclose(log_determinant(there, (8, 8, 2)), log_determinant(here, (8, 8, 2)), rtol=1e-4)
        x, a, b = (tf.constant(values, tf.float32) for values in (image, here, there))
        blurred = np.stack([v @ blur_matrix(one, 8, 8).T for v, one in zip(vectors(image), here, strict=True)])
        y = tf.constant(np.moveaxis(blurred.reshape(3, 2, 8, 8), 1, 3), tf.float32)
        assert (wiener.blur_error(x, y, a).numpy() < 1e-6).all()
        assert (wiener.blur_error(x, y, b).numpy() > 1).all()

    def test_the_width(self):
        """A Gaussian's sigma wherever it stands, the uniform distribution's, and that of a single pixel."""
        offsets = np.arange(31) - 15
        gaussian = np.exp(-np.add.outer(offsets**2, offsets**2) / (2 * 1.7**2))
        kernels = np.stack([gaussian, np.roll(gaussian, (4, -3), (0, 1)), np.ones((31, 31)), gaussian > 0.999])
        kernels = tf.constant(kernels / kernels.sum((1, 2), keepdims=True), tf.float32)
        np.testing.assert_allclose(wiener.kernel_width(kernels), [1.7, 1.7, np.sqrt((31**2 - 1) / 12), 0], atol=1e-3)

    def test_a_frequency_lost_altogether(self):
        """A kernel of two equal pixels removes one frequency; the gradient is bounded all the same."""
        kernel = tf.constant([[[0.0, 0, 0], [0, 0.5, 0.5], [0, 0, 0]]])
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            value = wiener.log_determinant(wiener.power_of_kernel(kernel, 8, 8), (8, 8, 1), C0, 1e-6)
        # every bin contributes at most max 2|K| / (|K|² + eps) = 1 / sqrt(eps) and 2 / sqrt(c0)
        assert abs(tape.gradient(value, kernel).numpy()).max() < 64 * (1e3 + 2 / np.sqrt(C0))
        power = np.cos(np.pi * np.fft.fftfreq(8)) ** 2
        np.testing.assert_allclose(value, 8 * (np.log(power + 1e-6) - 2 * np.log(power + C0)).sum(), rtol=1e-4)


SHAPE = (6, 5, 2)
SIZE = 60


def small(kernel_size=3, shape=SHAPE, **given):
    """A model of one dense layer each way."""
    keras.utils.set_random_seed(0)
    size = int(np.prod(shape))
    encoder = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(6, name="dense")]
    decoder = [keras.Input([3]), keras.layers.Dense(size, name="dense"), keras.layers.Reshape(shape)]
    return BlurErrorVAE(
        keras.Sequential(encoder, name="encoder"),
        keras.Sequential(decoder, name="decoder"),
        kernel_network(3, kernel_size, shape),
        **{"blur_start_step": 2, "beta": 0.7, "determinant_eps": 1e-12} | given,
    )


@pytest.fixture
def images(rng):
    return tf.constant(rng.uniform(size=(4, *SHAPE)), tf.float32)


@pytest.fixture
def noise(rng):
    return tf.constant(rng.normal(size=(4, 3)), tf.float32)


def passed(model, images, noise):
    """The encoder's, decoder's and kernel network's outputs, float64: z_mean, z_log_var, reconstruction, kernel."""
    z_mean, z_log_var = np.split(model.encoder(images).numpy().astype(float), 2, axis=1)
    z = z_mean + np.exp(z_log_var / 2) * noise
    return z_mean, z_log_var, *(part(z).numpy().astype(float) for part in (model.decoder, model.kernel_network))


class TestObjective:
    @pytest.mark.parametrize("variance", ["fixed", "calibrated"])
    def test_the_likelihood_is_a_gaussian_of_that_covariance(self, variance, images, noise):
        """scipy's density, with the covariance inverted as a matrix."""
        model = small(variance=variance)
        z_mean, z_log_var, reconstruction, kernel = passed(model, images, noise)
        residual = images.numpy() - reconstruction
        squared = form(residual, kernel).mean() / SIZE if variance == "calibrated" else 1.0
        nll = []
        for r, w in zip(vectors(residual), wieners(kernel, SHAPE), strict=True):
            covariance = squared * np.linalg.inv(w.T @ w)
            covariance = (covariance + covariance.T) / 2
            nll.append(-sum(multivariate_normal.logpdf(channel, cov=covariance) for channel in r))
        kl = 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var).sum(1)
        found = model.objective(images, noise, step=2).parts
        np.testing.assert_allclose(found["reconstruction_loss"], nll, rtol=1e-4)
        np.testing.assert_allclose(found["loss"], nll + 0.7 * kl, rtol=1e-4)

    def test_before_the_blur_term_it_is_half_the_squared_error(self, images, noise):
        model = small(variance="fixed")
        residual = images.numpy() - passed(model, images, noise)[2]
        for step, is_plain in ((0, True), (1, True), (2, False)):
            found = model.objective(images, noise, step).parts["reconstruction_loss"]
            assert np.allclose(found, (residual**2).sum((1, 2, 3)) / 2, rtol=1e-5) == is_plain

    def test_before_the_blur_term_the_variance_is_calibrated_too(self, images, noise):
        model = small(variance="calibrated")
        squares = ((images.numpy() - passed(model, images, noise)[2]) ** 2).sum((1, 2, 3))
        variance = squares.mean() / SIZE
        expected = squares / variance / 2 + SIZE / 2 * np.log(variance)
        np.testing.assert_allclose(model.objective(images, noise, 0).parts["reconstruction_loss"], expected, rtol=1e-4)

    def test_the_calibrated_variance_is_the_best_one(self, images, noise):
        """No other makes the batch likelier; so its own gradient is 0, and stopping it changes nothing."""
        model = small()
        found = model.objective(images, noise, 2).parts
        quads, rest = found["quad"].numpy(), -found["log_determinant"].numpy() + SIZE * np.log(2 * np.pi)
        variances = np.geomspace(0.5, 2, 101) * quads.mean() / SIZE
        values = [0.5 * (quads / v + SIZE * np.log(v) + rest).mean() for v in variances]
        assert np.argmin(values) == 50
        np.testing.assert_allclose(found["reconstruction_loss"].numpy().mean(), values[50], rtol=1e-4)

    def test_a_perfect_reconstruction_has_a_finite_likelihood(self, kernel):
        found, _ = small().negative_log_likelihood(tf.zeros([3, *SHAPE]), tf.constant(kernel, tf.float32), 2)
        expected = SIZE * np.log(2 * np.pi * 1e-6) - determinant(kernel, SHAPE)
        np.testing.assert_allclose(found, expected / 2, rtol=1e-4)

    @pytest.mark.parametrize("kernel_gradient", ["flows", "stopped"])
    def test_the_gradient_through_the_kernel(self, kernel_gradient, images, noise):
        """Stopped, the encoder's gradient is that with the kernel held; else it is another."""
        model = small(kernel_gradient=kernel_gradient)
        gradients = {v.path: g for pairs in model.gradients(images, noise, 2)[1] for g, v in pairs}
        held = tf.constant(passed(model, images, noise)[3], tf.float32)
        with tf.GradientTape() as tape:
            z_mean, z_log_var = model.encode(images)
            reconstruction = model.decode(model.reparameterize(z_mean, z_log_var, noise))
            nll, _ = model.negative_log_likelihood(images - reconstruction, held, 2)
            kl = 0.5 * tf.reduce_sum(tf.exp(z_log_var) + z_mean**2 - 1 - z_log_var, 1)
            loss = tf.reduce_mean(nll + 0.7 * kl)
        variables = model.encoder.trainable_variables
        same = [
            np.allclose(gradients[v.path], g, rtol=1e-3, atol=1e-5)
            for v, g in zip(variables, tape.gradient(loss, variables), strict=True)
        ]
        assert same == [kernel_gradient == "stopped"] * 2


class TestTraining:
    def test_each_step_is_one_of_two_optimizers_on_weights_of_their_own(self, images):
        """The same three steps with two Adams and two losses, z and the reconstruction stopped in the second."""
        model, twin = small(), small()
        model.build(model.encoder.input_shape)
        model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
        own, kernel = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01)
        for step in range(3):
            model.train_step(images)
            noise = twin.noise(4, step)
            with tf.GradientTape(persistent=True) as tape:
                z_mean, z_log_var = twin.encode(images)
                z = twin.reparameterize(z_mean, z_log_var, noise)
                loss = tf.reduce_mean(twin.objective(images, noise, step).parts["loss"])
                k = twin.kernel_network(tf.stop_gradient(z))
                kernel_loss = tf.reduce_mean(wiener.blur_error(images, tf.stop_gradient(twin.decode(z)), k))
            variables = twin.encoder.trainable_variables + twin.decoder.trainable_variables
            assert tape.gradient(kernel_loss, variables) == [None] * len(variables)
            own_gradients = tape.gradient(loss, variables)
            kernel_gradients = tape.gradient(kernel_loss, twin.kernel_network.trainable_variables)
            own.apply_gradients(zip(own_gradients, variables, strict=True))
            kernel.apply_gradients(zip(kernel_gradients, twin.kernel_network.trainable_variables, strict=True))
        for name, variable in checkpoint.weights(model).items():
            np.testing.assert_allclose(variable, checkpoint.weights(twin)[name], rtol=1e-4, atol=1e-5, err_msg=name)

    @pytest.mark.slow
    def test_the_kernel_step_finds_a_known_blur(self, rng):
        """With a decoder that always puts out the blurred image, the network finds the Gaussian it was blurred by."""
        shape = (12, 12, 3)
        image = rng.normal(size=shape)
        model = small(kernel_size=7, shape=shape)
        blurred = gaussian_filter(image, (1.1, 1.1, 0), mode="wrap", radius=(3, 3, 0))
        weights, bias = model.decoder.trainable_variables
        weights.assign(tf.zeros_like(weights))
        bias.assign(blurred.ravel())
        images = tf.constant(np.stack([image] * 2), tf.float32)
        adam = keras.optimizers.Adam(0.01)

        @tf.function
        def step(noise):
            _, pairs = model.gradients(images, noise, 0)[1]
            adam.apply_gradients(pairs)

        for number in range(100):
            step(model.noise(2, number))
        impulse = np.zeros((7, 7))
        impulse[3, 3] = 1
        expected = gaussian_filter(impulse, 1.1, mode="constant", radius=3)
        kernels = model.kernels(images)
        np.testing.assert_allclose(kernels, np.stack([expected] * 2), atol=0.02)
        offsets = np.arange(7) - 3
        width = np.sqrt((expected.sum(0) * offsets**2).sum())
        np.testing.assert_allclose(wiener.kernel_width(kernels), [width] * 2, rtol=0.1)

    def test_a_step_that_is_not_finite_moves_nothing(self, images):
        model = small()
        model.build(model.encoder.input_shape)
        model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
        before = {name: variable.numpy() for name, variable in checkpoint.weights(model).items()}
        model.train_step(images * float("nan"))
        assert int(model.optimizer.iterations) == 0
        for name, variable in checkpoint.weights(model).items():
            np.testing.assert_array_equal(variable, before[name])

    def test_the_record_of_a_step_names_every_gradient(self, images, noise):
        model = small()
        found = guard.summary(model, images, step=2)
        pairs = {v.path: g for group in model.gradients(images, model.noise(4, 2), 2)[1] for g, v in group}
        for name in checkpoint.weights(model):
            assert found[f"gradient of {name}"] == pytest.approx(np.linalg.norm(pairs[name]), rel=1e-5)


class TestConfiguration:
    def test_every_model_of_the_schema_is_in_the_table(self):
        assert set(models.MODELS) == set(KEYS["model"].choices)

    def test_the_keys_reach_the_model(self):
        given = {"train_size": 101, "batch_size": 50, "blur_start_epoch": 4, "kernel_size": 5, "wiener_constant": 0.1}
        given |= {"determinant_eps": 1e-4, "variance": "fixed", "kernel_gradient": "stopped", "beta": 0.2, "seed": 3}
        model = models.build(config.resolve(given | {"model": "blur_error_vae"}), (28, 28, 1))
        assert model.blur_start_step == 12
        assert model.kernels(tf.zeros([2, 28, 28, 1])).shape == (2, 5, 5)
        names = ("wiener_constant", "determinant_eps", "variance", "kernel_gradient", "beta", "seed")
        assert [getattr(model, name) for name in names] == [given[name] for name in names]

    def test_the_run_is_named_by_the_model(self):
        settings = config.resolve({"model": "blur_error_vae"})
        assert (settings.loss, settings.tag) == ("blur_error_vae", "blur_error_vae")
        assert config.recorded(vars(settings)) == settings

    @pytest.mark.parametrize("given,message", [
        (["--loss=l2"], "loss: expected none with model blur_error_vae, which has its own, got 'l2'"),
        (["--kernel_size=4"], "kernel_size: expected an odd number of at most the image's 28 pixels, got 4"),
        (["--kernel_size=29"], "kernel_size: expected an odd number of at most the image's 28 pixels, got 29"),
        (["--blur_start_epoch=0"], "--blur_start_epoch: expected a whole number from 1, got '0'"),
        (["--kernel_gradient=off"], "--kernel_gradient: expected one of flows, stopped, got 'off'"),
    ])  # fmt: skip
    def test_refusals(self, given, message, tmp_path):
        with pytest.raises(UserError) as refusal:
            train.main(["--model=blur_error_vae", *folders(tmp_path), *given])
        assert message in str(refusal.value)


FLAGS = [flag for flag in SMALL if not flag.startswith("--loss")] + ["--model=blur_error_vae"]


def run(path, *flags):
    train.main([*FLAGS, *folders(path), *flags])


@pytest.mark.slow
class TestRuns:
    def test_a_run_goes_on_to_the_same_bits_and_the_commands_take_it(self, tmp_path, capsys):
        """Cut before the blur term begins, which the whole run's step number decides."""
        run(tmp_path / "whole", "--epochs=3", "--blur_start_epoch=2")
        run(tmp_path / "cut", "--epochs=1", "--blur_start_epoch=2")
        run(tmp_path / "cut", "--epochs=3", "--resume")
        assert outcome(tmp_path / "cut", "blur_error_vae") == outcome(tmp_path / "whole", "blur_error_vae")
        run(tmp_path / "never", "--epochs=3", "--blur_start_epoch=3")
        assert outcome(tmp_path / "never", "blur_error_vae") != outcome(tmp_path / "whole", "blur_error_vae")

        place = [f"--model_dir={tmp_path / 'cut/model'}", "--loss=blur_error_vae"]
        assert (tmp_path / "cut/results/blur_error_vae/kernels.png").exists()
        generate.main([*place, f"--out_dir={tmp_path}"])
        assert (tmp_path / "blur_error_vae/gen_samples.png").exists()
        capsys.readouterr()
        evaluate.main([*place, "--split=held-out", f"--out_dir={tmp_path}", f"--json={tmp_path / 'rows.json'}"])
        assert "| blur-error VAE |" in capsys.readouterr().out

    def test_what_is_kept_of_every_epoch(self, tmp_path):
        """Of the first four test images; an epoch that was cut short, and a former run's, are kept once."""
        images = data.load("mnist", "test").images[:4]
        for flags in (["--epochs=4"], ["--epochs=2"], ["--epochs=3", "--resume"]):
            run(tmp_path, *flags, "--num_samples=4")
            kept, _ = checkpoint.read(tmp_path / "results/blur_error_vae/evolution.npz")
        model, _ = checkpoint.load_model(tmp_path / "model/blur_error_vae/model.npz")
        np.testing.assert_array_equal(kept["epoch"], [1, 2, 3])
        np.testing.assert_array_equal(kept["images"], images)
        np.testing.assert_allclose(kept["kernels"][2], model.kernels(images / np.float32(255)), rtol=1e-5)
        drawn = 255 * np.clip(model.reconstruct(images / np.float32(255)), 0, 1)
        np.testing.assert_allclose(kept["reconstructions"][2], drawn, atol=0.51)
        assert abs(kept["kernels"][0] - kept["kernels"][1]).max() > 1e-4

    def test_kernels_shrink_once_the_blur_term_begins(self, tmp_path, digits):
        """More than in the same run without it; and they differ from image to image."""
        flags = ["--train_size=1000", "--epochs=5", "--latent_dim=16", "--variance=fixed", "--beta=1"]
        flags += ["--min_lr=0.002", "--max_lr=0.002", "--log_freq=50", "--test_freq=1000", "--save_model_freq=1000"]
        widths = {}
        for start in (1, 5):
            run(tmp_path / str(start), *flags, f"--blur_start_epoch={start}")
            rows = csv.DictReader((tmp_path / str(start) / "results/blur_error_vae/metrics.csv").open())
            widths[start] = [float(row["kernel_width"]) for row in rows]
        assert widths[1][0] == widths[5][0]
        assert widths[1][-1] < 0.9 * widths[1][0]
        assert widths[1][-1] < 0.8 * widths[5][-1]
        model, _ = checkpoint.load_model(tmp_path / "1/model/blur_error_vae/model.npz")
        assert np.std(wiener.kernel_width(model.kernels(digits))) > 0.1

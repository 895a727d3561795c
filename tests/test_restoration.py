"""Restoring: ACSG against closed forms, the filters against plain loops, the table against numpy."""

import json
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import ndimage
from skimage.restoration import inpaint_biharmonic

import config
import data
import evaluate
import measurements
import models
from config.system.errors import UserError
from evaluation import bootstrap, grids, restoration
from evaluation.figures import restoration as figures
from evaluation.restorers import acsg, filters, in_one_pass
from models import checkpoint

SHAPE = (4, 5, 2)
LATENTS = 3


class Seeds(measurements.Identity):
    """The identity, which notes the seeds that θ is drawn with."""

    def __init__(self):
        self.seeds = []

    def draw(self, shape, seed):
        tf.numpy_function(lambda s: self.seeds.append(tuple(s.tolist())), [seed], [])
        return super().draw(shape, seed)


@pytest.fixture
def linear(rng):
    """A model whose decoder is a matrix [LATENTS, H·W·C] and whose features are the images, doubled."""
    matrix = rng.normal(0, 1, (LATENTS, np.prod(SHAPE))).astype(np.float32)
    return SimpleNamespace(
        matrix=matrix,
        measurement=Seeds(),
        latent_dim=LATENTS,
        image_shape=SHAPE,
        decode=lambda z: tf.reshape(z @ matrix, [-1, *SHAPE]),
        discriminate=lambda images: (2 * images, None),
    )


class TestACSG:
    @pytest.mark.parametrize("of,factor", [(acsg.features, 2), (acsg.pixels, 1)])
    def test_objective(self, linear, rng, of, factor):
        """Of features, twice the image, or of pixels."""
        z, y = rng.normal(size=(4, LATENTS)), rng.normal(size=(4, *SHAPE))
        expected = [
            5 * np.mean([(factor * a - b) ** 2 for a, b in zip(one @ linear.matrix, other.ravel(), strict=True)])
            + 0.001 * sum(value**2 for value in one)
            for one, other in zip(z, y, strict=True)
        ]
        found = acsg.objective(linear, tf.constant(z, tf.float32), tf.zeros([4]), tf.constant(y, tf.float32), of)
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_adam(self, rng):
        """Against Keras's, on a function that is no quadratic."""
        z = rng.normal(size=(4, LATENTS)).astype(np.float32)
        variable, optimizer = tf.Variable(z), keras.optimizers.Adam(0.1)
        for step in range(7):
            optimizer.apply([4 * variable**3 + step], [variable])
        found = acsg.adam(lambda z, step: 4 * z**3 + tf.cast(step, tf.float32), tf.constant(z), 7)
        np.testing.assert_allclose(found, variable, rtol=1e-4)

    def test_optimum_of_a_linear_decoder(self, linear, rng, monkeypatch):
        """The ridge regression of every image by itself, in batches of two."""
        monkeypatch.setattr("evaluation.metrics.display.BATCH", 2)
        y = rng.normal(size=(5, *SHAPE)).astype(np.float32)
        features, weight = 2 * linear.matrix.T.astype(float), 5 / np.prod(SHAPE)
        normal = weight * features.T @ features + 0.001 * np.eye(LATENTS)
        z = np.linalg.solve(normal, weight * features.T @ (2 * y).reshape(5, -1).T)
        found = acsg.restorer(linear)(y, steps=1000)
        np.testing.assert_allclose(found, (z.T @ linear.matrix).reshape(y.shape), atol=1e-3)

    def test_images_do_not_influence_each_other(self, linear, rng):
        y = rng.normal(size=(3, *SHAPE)).astype(np.float32)
        restore = acsg.restorer(linear)
        first = restore(y, steps=5)
        y[1:] += 1
        second = restore(y, steps=5)
        np.testing.assert_allclose(first[0], second[0], rtol=1e-5)
        assert abs(first[1:] - second[1:]).min(axis=(1, 2, 3)).max() > 1e-3

    def test_every_step_and_batch_draws_another_theta(self, linear, rng, monkeypatch):
        monkeypatch.setattr("evaluation.metrics.display.BATCH", 2)
        acsg.restorer(linear)(rng.normal(size=(4, *SHAPE)).astype(np.float32), steps=6)
        assert len(linear.measurement.seeds) == len(set(linear.measurement.seeds)) == 12


class TestFilters:
    """Images that are not square, of several channels."""

    @pytest.mark.parametrize("channels,width", [(1, 1), (3, 1.5)])
    def test_smoothing(self, channels, width, rng):
        y = rng.random((3, 9, 12, channels))
        found = filters.smoothing(y, None, None)
        for image, blurred in zip(y, found, strict=True):
            for channel in range(channels):
                expected = ndimage.gaussian_filter(image[..., channel], width, mode="nearest")
                np.testing.assert_allclose(blurred[..., channel], expected, atol=1e-6)

    def test_a_plane_is_inpainted_exactly(self):
        """It is biharmonic. Two of the three images have one hole in common."""
        row, column = np.mgrid[:12, :15]
        x = np.stack([np.stack([0.2 + 0.01 * row, 0.9 - 0.02 * column, 0.01 * (row + i)], -1) for i in range(3)])
        theta = np.ones((3, 12, 15, 1))
        theta[[0, 2], 3:8, 4:9] = 0
        theta[1, 2:7, 3:8] = 0
        np.testing.assert_allclose(filters.inpainting(theta * x, None, theta), x, atol=1e-6)

    @pytest.mark.parametrize("name,k", [("drop_patch", 4), ("keep_patch", 6)])
    def test_inpainting_one_image_at_a_time(self, name, k, rng):
        """Every image alone through scikit-image, wherever its hole is."""
        x = rng.random((20, 9, 8, 3)).astype(np.float32)
        measurement = measurements.build(name, k=k)
        theta = measurement.draw(x.shape, [0, 1]).numpy()
        y = measurement.apply(x, theta).numpy()
        found = filters.inpainting(y, None, theta)
        for image, mask, inpainted in zip(y, theta, found, strict=True):
            expected = inpaint_biharmonic(image, mask[..., 0] == 0, channel_axis=-1)
            np.testing.assert_allclose(inpainted, expected, atol=1e-5)

    def test_a_patch_is_put_back(self, rng):
        """It is what is seen of the image, in its place, and a blank image is whole again."""
        x = rng.random((6, 9, 11, 2)).astype(np.float32)
        x[0] = 0.3
        measurement = measurements.build("extract_patch", k=5)
        theta = measurement.draw(x.shape, [0, 1]).numpy()
        found = filters.placing(measurement.apply(x, theta).numpy(), measurement, theta)
        np.testing.assert_allclose(found[0], x[0], atol=1e-6)
        for image, restored, (row, column) in zip(x, found, theta, strict=True):
            place = np.s_[row : row + 5, column : column + 5]
            np.testing.assert_array_equal(restored[place], image[place])

    def test_median(self, rng):
        y = rng.random((2, 6, 7, 2))
        found = filters.median(y, None, None)
        for i, row, column, channel in np.ndindex(2, 4, 5, 2):
            expected = np.sort(y[i, row : row + 3, column : column + 3, channel].ravel())[4]
            assert found[i, row + 1, column + 1, channel] == expected

    def test_deconvolution(self, rng):
        """The Wiener filter in numpy's Fourier domain: K* Y / (|K|² + balance |L|²), L the Laplacian."""
        y, measurement = rng.random((2, 12, 12, 2)), measurements.build("blur_add_noise", radius=1, size=5, sigma=0.2)
        profile = np.exp(-(np.arange(-2, 3) ** 2) / 2)
        kernel, laplacian = np.zeros((2, 12, 12))
        kernel[:5, :5] = np.outer(profile, profile) / profile.sum() ** 2
        laplacian[:3, :3] = [[0, -1, 0], [-1, 4, -1], [0, -1, 0]]
        k = np.fft.fft2(np.roll(kernel, (-2, -2), (0, 1)))
        power = abs(np.fft.fft2(laplacian)) ** 2
        spectrum = np.fft.fft2(y, axes=(1, 2))
        passed = k.conj() / (abs(k) ** 2 + filters.WIENER_BALANCE * 0.04 * power)
        expected = np.fft.ifft2(spectrum * passed[None, :, :, None], axes=(1, 2)).real
        np.testing.assert_allclose(filters.deconvolution(y, measurement, None), expected, atol=1e-6)

    @pytest.mark.parametrize("angle", [0, np.pi / 2, np.pi])
    def test_back_projection(self, angle):
        """What is constant along the rays comes back, but for the border, where rays are cut."""
        row, column = np.mgrid[:20, :20]
        x = np.stack([0.5 + 0.02 * (row if angle == np.pi / 2 else column)] * 2, -1)[None].astype(np.float32)
        theta = np.array([angle], np.float32)
        measurement = measurements.build("pad_rotate_project")
        found = filters.back_projection(measurement.apply(x, theta).numpy(), measurement, theta)
        np.testing.assert_allclose(found[:, 3:-3, 3:-3], x[:, 3:-3, 3:-3], atol=0.03)

    def test_every_measurement_has_a_filter(self):
        """And a measurement of a new kind none, until there is one."""
        assert all(filters.restorer(measurements.build(name)) for name in measurements.MEASUREMENTS)
        assert filters.restorer(measurements.Measurement()) is None


class TestRows:
    @pytest.fixture
    def rows(self, rng):
        """Of an ambient model on 400 images and of ACSG on the first 100 of them."""
        clean = rng.normal(15, 3, 400)
        self.ambient = restoration.Scores(clean, clean / 30, 0.001)
        self.acsg = restoration.Scores(clean[:100] - rng.normal(2, 1, 100), clean[:100] / 40, 0.25)
        case = SimpleNamespace(measurement="drop_patch", setting="drop_patch, k = 14", dataset="mnist-gray")
        scores = {"ambient_vae_gan": self.ambient, "acsg": self.acsg}
        return {name: restoration.row(case, name, scores, {}) for name in scores}

    def test_means(self, rows):
        assert rows["ambient_vae_gan"]["psnr"] == pytest.approx(self.ambient.psnr.mean(), rel=1e-5)
        assert rows["acsg"]["ssim"] == pytest.approx(self.acsg.ssim.mean(), rel=1e-5)
        assert [row["num_images"] for row in rows.values()] == [400, 100]
        assert [row["setting"] for row in rows.values()] == ["drop_patch, k = 14"] * 2

    def test_gains_are_paired_on_the_common_images(self, rows):
        gains = self.ambient.psnr[:100] - self.acsg.psnr
        assert rows["acsg"]["psnr_gain"] == pytest.approx(gains.mean(), rel=1e-4)
        assert rows["acsg"]["ssim_ratio"] == pytest.approx(4 / 3, rel=1e-5)
        assert {name: value for name, value in rows["acsg"].items() if name.startswith("time")} == {"time_ratio": 250}
        half = 1.96 * gains.std() / 10
        assert rows["acsg"]["psnr_gain_low"] == pytest.approx(gains.mean() - half, abs=0.15 * half)
        assert rows["acsg"]["psnr_gain_high"] == pytest.approx(gains.mean() + half, abs=0.15 * half)

    def test_an_interval_of_a_mean(self, rows):
        mean, half = self.ambient.psnr.mean(), 1.96 * self.ambient.psnr.std() / 20
        assert rows["ambient_vae_gan"]["psnr_low"] == pytest.approx(mean - half, abs=0.15 * half)
        assert rows["ambient_vae_gan"]["psnr_high"] == pytest.approx(mean + half, abs=0.15 * half)

    @pytest.mark.parametrize("method,values,holds", [
        ("supervised", {"ssim_ratio_low": 0.91}, True),
        ("supervised", {"ssim_ratio_low": 0.89, "ssim_ratio": 0.91}, False),
        ("acsg", {"time_ratio": 100.5}, True),
        ("acsg", {"time_ratio": 99}, False),
        ("non_learned", {"ssim_gain_low": 0.001}, True),
        ("non_learned", {"ssim_gain_low": -0.001, "ssim_gain": 0.01}, False),
        ("non_learned", {"ssim_gain_low": 0}, False),
    ])  # fmt: skip
    def test_claims_hold_for_the_whole_interval_of_ssim_and_the_ratio_of_times(self, method, values, holds):
        assert restoration.verdict({"method": method, **values})["holds"] is holds

    def test_text(self, rows):
        text = restoration.tables(list(rows.values())).split("\n")
        assert [cell.strip() for cell in text[3].split("|")[1:4]] == ["drop_patch, k = 14", "ACSG", "100"]
        assert f"{self.acsg.psnr.mean():.2f} [" in text[3]
        assert text[3].split("|")[6].strip() == "250"
        assert "1.333 [1.333, 1.333]" in text[-1]
        assert text[-1].endswith("| 100 times as fast: yes |")


def save(folder, tag, **given):
    """An untrained ambient VAE-GAN as a checkpoint; its settings."""
    given = {"model": "ambient_vae_gan", "architecture": "ambient28", "latent_dim": 4, "dataset": "mnist-gray"} | given
    settings = config.resolve(given)
    keras.utils.set_random_seed(1)
    checkpoint.save_model(folder / tag / "model.npz", models.build(settings, (28, 28, 1)), settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of untrained checkpoints, and of 12 grey digits as mnist-gray."""
    folder = tmp_path_factory.mktemp("restore")
    save(folder, "ambient_drop_patch", measurement="drop_patch")
    save(folder, "supervised_drop_patch", measurement="drop_patch", supervised=1)
    save(folder, "ambient_drop_independent", measurement="drop_independent")
    digits = data.load("mnist", "test").images[:12, :, :, 0]
    grey = np.uint8(digits * np.random.default_rng(0).random(digits.shape))
    np.savez(folder / "mnist.npz", x_train=grey, y_train=np.zeros(12), x_test=grey, y_test=np.zeros(12))
    return folder


def files(folder, *tags):
    return {tag: folder / tag / "model.npz" for tag in tags}


def cases(folder, *tags, seed=3):
    """The cases of some checkpoints in `folder`, on the digits there."""
    return restoration.cases(files(folder, *tags), data_dir=str(folder), seed=seed)


class TestCases:
    def test_images_are_measured_as_the_models_are_told(self, folder):
        (case,) = cases(folder, "ambient_drop_patch", "supervised_drop_patch")
        with np.load(folder / "mnist.npz") as file:
            np.testing.assert_array_equal(case.images, np.float32(file["x_test"][..., None]) / np.float32(255))
        assert (case.measurement, case.setting, case.dataset) == ("drop_patch", "drop_patch, k = 14", "mnist-gray")
        assert [*case.restorers] == ["ambient_vae_gan", "supervised", "acsg", "acsg_pixels", "non_learned"]
        np.testing.assert_array_equal((case.theta == 0).sum((1, 2, 3)), 14**2)
        np.testing.assert_array_equal(case.measured, np.where(case.theta == 0, 0, case.images))

    def test_another_seed_is_another_damage(self, folder):
        of_seed = [cases(folder, "ambient_drop_patch", seed=s)[0] for s in (3, 3, 4)]
        np.testing.assert_array_equal(of_seed[0].theta, of_seed[1].theta)
        assert (of_seed[0].theta != of_seed[2].theta).any()

    @pytest.mark.parametrize("method", ["ambient_vae_gan", "acsg", "non_learned"])
    @pytest.mark.slow
    def test_no_method_sees_the_clean_images(self, folder, method):
        (case,) = cases(folder, "ambient_drop_patch")
        blind = case.first(3)._replace(images=np.full((3, 28, 28, 1), np.nan, np.float32))
        found = [one.restorers[method](one.measured[:3], one.theta[:3]) for one in (case, blind)]
        np.testing.assert_array_equal(*found)
        assert found[0].min() >= 0
        assert found[0].max() <= 1

    def test_in_one_pass(self, folder):
        (case,) = cases(folder, "ambient_drop_patch")
        model = case.model
        expected = model.decoder(model.encoder(case.measured)[:, :4])
        np.testing.assert_allclose(in_one_pass(model)(case.measured, None), expected, atol=1e-5)

    def test_time_is_of_an_image_and_without_the_first_call(self, rng):
        case = restoration.Case("", "", "", None, {}, *3 * [rng.random((4, 2, 2, 1))])
        waits = iter([0.5, *8 * [0.05]])

        def restore(measured, theta):
            time.sleep(next(waits))
            return measured

        found, seconds = restoration.timed(restore, case)
        np.testing.assert_array_equal(found, case.measured)
        assert 0.05 / 4 <= seconds < 0.1 / 4

    def test_around_grey_where_the_measurement_is(self, rng):
        """Grey is 0 around grey: it projects to nothing, which is back-projected to grey."""
        measurement = measurements.Centred(measurements.build("pad_rotate_project"))
        grey = np.full((2, 28, 28, 1), 0.5, np.float32)
        theta = measurement.draw(grey.shape, [0, 0])
        found = filters.restorer(measurement)(measurement.apply(grey, theta).numpy(), theta.numpy())
        np.testing.assert_allclose(found, grey, atol=1e-6)
        at_zero = filters.restorer(measurement.measurement)(0 * grey, theta.numpy())
        np.testing.assert_allclose(at_zero, 0, atol=1e-6)

    @pytest.mark.parametrize("tags,message", [
        (["supervised_drop_patch"], "expected an ambient_vae_gan of drop_patch, k = 14 beside the supervised"),
        (["ambient_drop_patch", "again"], "again: expected one ambient_vae_gan of drop_patch, k = 14, got a second"),
        (["l2"], "expected an ambient_vae_gan, which restores images, got a vae"),
    ])  # fmt: skip
    def test_mistakes(self, folder, tmp_path, tags, message):
        found = files(folder, *tags)
        if "again" in found:
            found["again"] = found["ambient_drop_patch"]
        if "l2" in found:
            settings = config.resolve({"loss": "l2"})
            found["l2"] = tmp_path / "model.npz"
            checkpoint.save_model(found["l2"], models.build(settings, (28, 28, 1)), settings)
        with pytest.raises(UserError, match=message):
            restoration.cases(found, data_dir=str(folder))

    def test_images_of_another_shape(self, folder, tmp_path):
        colour = np.zeros((3, 32, 32, 3), np.uint8)
        np.savez(tmp_path / "cifar10.npz", x_train=colour, y_train=np.zeros(3), x_test=colour, y_test=np.zeros(3))
        with pytest.raises(UserError, match=r"dataset cifar10: expected images of \(28, 28, 1\), got \(32, 32, 3\)"):
            restoration.cases(files(folder, "ambient_drop_patch"), dataset="cifar10", data_dir=str(tmp_path))


class TestPictures:
    @pytest.mark.parametrize("name,given,gain", [
        ("drop_independent", {"p": 0.8}, 5),
        ("drop_rowcol", {"p": 0.8}, 25),
        ("drop_patch", {"k": 4}, 1),
    ])  # fmt: skip
    def test_what_is_seen_is_as_bright_as_in_the_image(self, name, given, gain, rng):
        """A user's picture has the pixels that are left as they are; measured ones are brighter where others drop."""
        x = rng.random((3, 8, 9, 2)).astype(np.float32)
        measurement = measurements.build(name, **given)
        theta = measurement.draw(x.shape, [0, 0]).numpy()
        picture = np.where(theta == 0, 0, x)
        np.testing.assert_allclose(measurement.from_picture(picture), measurement.apply(x, theta), rtol=1e-5)
        assert theta.max() == pytest.approx(gain)
        grey = measurements.Centred(measurement)
        found = grey.from_picture(np.where(theta == 0, 0.5, x))
        np.testing.assert_allclose(found, grey.apply(x, theta), atol=1e-5)

    def test_a_users_picture(self, folder, tmp_path, rng, capsys):
        pixels = rng.integers(0, 256, (28, 28), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "mine.png")
        place = [f"--model_dir={folder}", f"--out_dir={tmp_path}", f"--image={tmp_path / 'mine.png'}"]
        evaluate.main(["restore", "--loss=ambient_drop_independent", *place])
        out = tmp_path / "ambient_drop_independent/mine_restored.png"
        assert str(out) in capsys.readouterr().out
        model, _ = checkpoint.load_model(folder / "ambient_drop_independent/model.npz")
        damaged = np.float32(pixels)[None, :, :, None] / 255
        expected = np.round(model.decoder(model.encoder(5 * damaged)[:, :4])[0, :, :, 0] * 255)
        with Image.open(out) as image:
            found = np.asarray(image)[:: grids.SCALE, :: grids.SCALE]
        np.testing.assert_array_equal(found[1:29, 1:29], pixels)
        np.testing.assert_allclose(found[1:29, 30:58], expected, atol=1)

    @pytest.mark.parametrize("argv,message", [
        (["--image=x.png"], "--image: expected with --loss or --checkpoint"),
        (["--image=x.png", "--loss=ambient_drop_patch"], "x.png: expected a picture"),
        (["--loss=nothing"], "loss: expected one of ambient_drop_independent, ambient_drop_patch"),
        (["--image=x.png", "--loss=ambient_drop_patch", "--seed=1"], "--seed: expected without --image, got both"),
        (["--image=x.png", "--loss=ambient_drop_patch", "--json=y"], "--json: expected without --image, got both"),
        (["--z=mean"], "--z: expected with report table or runs or image, got it with restore"),
        (["--acsg_images=-1"], "--acsg_images: expected a whole number from 0"),
        (["--runs=x"], "--runs: expected with report runs or audit, got it with restore"),
    ])  # fmt: skip
    def test_mistakes(self, folder, tmp_path, argv, message):
        with pytest.raises(UserError, match=message):
            evaluate.main(["restore", f"--model_dir={folder}", f"--out_dir={tmp_path}", *argv])


class TestFigures:
    @pytest.fixture
    def case(self, folder):
        return cases(folder, "ambient_drop_patch")[0].first(3)

    def test_posterior(self, case):
        """The mean, and samples with noise drawn here."""
        model, noise = case.model, tf.random.stateless_normal([figures.NUM_SAMPLES, 4], [0, 0])
        mean, log_var = tf.split(model.encoder(case.measured[:1]), 2, axis=1)
        found = figures.posterior(model, case.measured[0])
        np.testing.assert_allclose(found[0], model.decoder(mean)[0], atol=1e-5)
        np.testing.assert_allclose(found[1:], model.decoder(mean + tf.exp(log_var / 2) * noise), atol=1e-5)

    @pytest.mark.slow
    def test_points(self, case, monkeypatch):
        """The mean squared errors of the filter, and of ACSG after each number of steps."""
        monkeypatch.setattr(figures, "STEPS", (1, 4))
        ((_, error),) = figures.points("non_learned", case)
        inpainted = np.clip(filters.inpainting(case.measured, None, case.theta), 0, 1)
        assert error == pytest.approx(((inpainted - case.images) ** 2).mean(), rel=1e-5)
        found = [error for _, error in figures.points("acsg", case)]
        restore = acsg.restorer(case.model)
        expected = [((restore(case.measured, steps=n) - case.images) ** 2).mean() for n in (1, 4)]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert found[0] != found[1]


@pytest.mark.slow
def test_the_command(folder, tmp_path, monkeypatch, capsys):
    """The table, the same on the screen and in the file, its rows, and the figures."""
    weights = bootstrap.image_weights
    monkeypatch.setattr(bootstrap, "image_weights", lambda count: weights(count, resamples=200))
    monkeypatch.setattr(restoration, "LEAST_SECONDS", 1e-9)
    monkeypatch.setattr(figures, "STEPS", (1, 3))
    names = "ambient_drop_patch,supervised_drop_patch,ambient_drop_independent"
    place = [f"--model_dir={folder}", f"--out_dir={tmp_path}", f"--data_dir={folder}", f"--json={tmp_path / 'r.json'}"]
    evaluate.main(["--task=restore", f"--loss={names}", "--acsg_images=5", *place])
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert [(row["measurement"], row["method"], row["num_images"]) for row in rows] == [
        ("drop_patch", "ambient_vae_gan", 12),
        ("drop_patch", "supervised", 12),
        ("drop_patch", "acsg", 5),
        ("drop_patch", "acsg_pixels", 5),
        ("drop_patch", "non_learned", 12),
        ("drop_independent", "ambient_vae_gan", 12),
        ("drop_independent", "acsg", 5),
        ("drop_independent", "acsg_pixels", 5),
        ("drop_independent", "non_learned", 12),
    ]
    assert all(row["seconds_per_image"] > 0 for row in rows)
    model, _ = checkpoint.load_model(folder / "ambient_drop_patch/model.npz")
    with np.load(folder / "mnist.npz") as file:
        x = np.float32(file["x_test"][..., None]) / 255
    restored = model.reconstruct(model.measurement(x, [0, 1]))
    assert rows[0]["psnr"] == pytest.approx(tf.image.psnr(x, restored, 1.0).numpy().mean(), rel=1e-4)
    assert rows[0]["ssim"] == pytest.approx(tf.image.ssim(x, restored, 1.0).numpy().mean(), abs=1e-4)
    text = (tmp_path / "restore.md").read_text()
    assert capsys.readouterr().out.startswith(text)
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == ["posterior.png", "restored.png", "restoring_time.png"]

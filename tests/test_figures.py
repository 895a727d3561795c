"""The numbers behind the figures, against plain loops and closed forms, and what the report writes."""

import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from PIL import Image
from scipy.ndimage import gaussian_filter

import config
import data
import evaluate
import losses
import models
from config.system.errors import UserError
from evaluation import figures, probe, scoring
from evaluation.figures import curves, digits, latents, phase, style
from evaluation.figures.frontier import frontier
from evaluation.metrics import blur
from evaluation.reports import figures as report
from models import checkpoint

ROOT = Path(__file__).parent.parent


class TestProbe:
    def test_l2_of_a_shift(self, digits):
        """Against a loop over pixels, and blank images."""
        found = probe.responses({"l2": losses.build("l2")}, digits)["shift"]["l2"]
        for shift, value in zip(probe.DISTURBANCES["shift"].strengths, found, strict=True):
            total = 0.0
            for image in digits[..., 0].astype(float):
                for x in range(28):
                    other = image[:, x - shift] if x >= shift else np.zeros(28)
                    total += ((image[:, x] - other) ** 2).sum()
            assert value == pytest.approx(total / (digits.astype(float) ** 2).sum(), rel=1e-5)

    def test_l2_of_noise(self):
        """Its variance, over the mean square of the images."""
        images = np.full((200, 28, 28, 1), 0.5, np.float32)
        found = probe.responses({"l2": losses.build("l2")}, images)["noise"]["l2"]
        np.testing.assert_allclose(found, np.square(probe.DISTURBANCES["noise"].strengths) / 0.25, rtol=0.02)

    def test_l1_of_a_blur(self, digits):
        """Against scipy's sampled Gaussian, where that is near the exact one."""
        found = probe.responses({"l1": losses.build("l1")}, digits)["blur"]["l1"]
        for sigma, value in list(zip(probe.DISTURBANCES["blur"].strengths, found, strict=True))[2:]:
            blurred = gaussian_filter(digits.astype(float), (0, sigma, sigma, 0), truncate=8)
            assert value == pytest.approx(abs(blurred - digits).sum() / digits.sum(), rel=1e-3)

    def test_logits_stand_for_their_images(self, digits):
        """Grey images of 0.2: the cross-entropy with them, in numpy."""
        grey = np.full_like(digits, 0.2)
        expected = -np.where(digits == 1, np.log(0.2), np.log(0.8)).mean()
        assert probe.value(losses.build("bce"), digits, grey) == pytest.approx(expected, rel=1e-5)

    def test_terms_are_added_once_and_only_of_sums(self):
        named = {"run": losses.build("l2"), "ssim": losses.build("ssim"), "ours": losses.build("ours")}
        assert list(probe.with_terms(named)) == ["run", "ssim", "ours", "stft"]

    def test_phases_and_amplitudes_of_a_term_alone(self, digits):
        """As the formula in numpy has them; a loss without phases has no parts."""
        found = probe.with_parts({name: losses.build(name) for name in ("l2", "stft", "ours", "amplitude")})
        assert list(found) == ["l2", "stft", "ours", "amplitude", "stft phases", "stft amplitudes"]
        two, blurred = digits[:2], probe.gaussian_blur(digits[:2], 1)
        for name, kept in (("stft phases", {"amp_coef": 0}), ("stft amplitudes", {"arg_coef": 0})):
            expected = 0.0015 * oracles.stft(two.astype(float), blurred.astype(float), **kept).mean()
            assert probe.value(found[name], two, blurred) == pytest.approx(expected, rel=1e-3)

    def test_a_blur_in_shifts(self, digits):
        """l1 in numpy: scipy's Gaussian of one pixel against a shift by one."""
        found = probe.responses({"l1": losses.build("l1"), "l2": losses.build("l2")}, digits)
        blurred = gaussian_filter(digits.astype(float), (0, 1, 1, 0), truncate=8)
        shift = np.roll(digits, 1, axis=2)  # the last column is black
        expected = abs(blurred - digits).sum() / abs(shift - digits).sum()
        assert probe.blur_in_shifts(found)["l1"] == pytest.approx(expected, rel=1e-3)
        assert list(probe.blur_in_shifts(found)) == ["l1", "l2"]

    def test_shares_of_pixels(self, digits):
        """The gradient of l1 is ±1/n at every pixel, that of l2 is 2 (y - x)/n: the norms in closed form."""
        difference = gaussian_filter(digits.astype(float), (0, 1.4, 1.4, 0), truncate=8) - digits
        means = np.array([abs(difference).mean(), (difference**2).mean()])
        norms = np.array([28, 2 * np.sqrt((difference**2).sum((1, 2, 3))).mean()])
        found = probe.shares(losses.build("l1+l2"), digits)
        assert list(found) == ["l1", "l2"]
        expected = np.stack([means / means.sum(), norms / norms.sum()], axis=1)
        np.testing.assert_allclose(list(found.values()), expected, rtol=1e-3)

    def test_shares_of_the_papers_loss(self, digits):
        """The loops over windows, and TensorFlow's SSIM."""
        blurred = gaussian_filter(digits.astype(float), (0, 1.4, 1.4, 0), truncate=8)
        values = 0.0015 * oracles.stft(digits, blurred), 500 * (1 - tf.image.ssim(digits, np.float32(blurred), 1.0))
        means = np.mean(values, axis=1)
        found = probe.shares(losses.build("ours"), digits)
        np.testing.assert_allclose([found["stft"][0], found["ssim"][0]], means / means.sum(), rtol=0.01)

    def test_shares_of_the_gradient_of_local_amplitudes(self, digits):
        """Central differences of the loops over windows, pixel by pixel."""
        x = (0.8 * digits[:1] + np.random.default_rng(0).uniform(0, 0.2, digits[:1].shape)).astype(np.float32)
        y = gaussian_filter(x.astype(float), (0, 1.4, 1.4, 0), truncate=8)
        many, step = np.repeat(x, 784, axis=0), 1e-6 * np.eye(784).reshape(-1, 28, 28, 1)
        slopes = (oracles.amplitude(many, y + step) - oracles.amplitude(many, y - step)) / 2e-6
        norms = np.linalg.norm(2 * (y - x) / 784), losses.TERMS["amplitude"].unit * np.linalg.norm(slopes)
        found = probe.shares(losses.build("l2+amplitude", amplitude_coef=1), x)
        np.testing.assert_allclose([pair[1] for pair in found.values()], norms / np.sum(norms), rtol=0.01)

    def test_the_table_of_costs(self, digits):
        """A row for each loss; shares, which add up to 100 %, only of a sum."""
        probed = probe.with_terms({"l1": losses.build("l1"), "l2+ssim": losses.build("l2+ssim", ssim_coef=0.01)})
        text = probe.table_of_costs(probed, probe.responses(probed, digits), digits)
        header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines())
        assert header[0] == "loss"
        assert [row[0] for row in rows] == ["L1", "L2+SSIM", "L2", "SSIM"]
        assert [row[2:] == ["", ""] for row in rows] == [True, False, True, True]
        for cell in rows[1][2:]:
            found = dict(re.findall(r"(\w+) ([\d.]+) %", cell))
            assert list(found) == ["L2", "SSIM"]
            assert sum(map(float, found.values())) == pytest.approx(100, abs=0.11)

    def test_command(self, tmp_path, capsys):
        evaluate.main(["--probe", "--loss=l2,ssim", f"--out_dir={tmp_path}"])
        images = data.load("mnist", "test").images[: probe.NUM_IMAGES].astype(float) / 255
        moved = np.zeros_like(images)
        moved[:, :, 2:] = images[:, :, :-2]
        row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| shift 2 "))
        assert row.split("|")[2].strip() == f"{((images - moved) ** 2).sum() / (images**2).sum():.3f}"
        assert [path.name for path in tmp_path.rglob("*.png")] == ["probe.png"]

    def test_an_unknown_loss(self):
        with pytest.raises(UserError, match="loss: expected one of l1"):
            evaluate.main(["--probe", "--loss=nothing"])


class TestCorrespondence:
    def test_nearest(self, rng):
        images, wanted = rng.random((30, 4, 5, 1)), rng.random((7, 4, 5, 1))
        expected = [min(images, key=lambda image, goal=goal: ((image - goal) ** 2).sum()) for goal in wanted]
        np.testing.assert_array_equal(digits.nearest(images, wanted), expected)

    def test_a_permuted_latent_plane_gives_the_same_samples(self, rng, monkeypatch):
        """Two models that decode the same images from other places of the plane."""
        images = rng.random((digits.NUM_CANDIDATES, 28, 28, 1)).astype(np.float32)
        orders = {"a": rng.permutation(digits.NUM_CANDIDATES), "b": np.arange(digits.NUM_CANDIDATES)}
        models = {
            name: SimpleNamespace(sample=lambda count, seed, order=order: images[order][:count])
            for name, order in orders.items()
        }
        shown = {}
        monkeypatch.setattr(digits, "rows_of_digits", lambda rows: shown.update(rows) or style.Figure())
        digits.samples(SimpleNamespace(models=models))
        np.testing.assert_array_equal(shown["a"], images[: digits.NUM_SAMPLES])
        np.testing.assert_array_equal(shown["b"], images[: digits.NUM_SAMPLES])


class TestLatents:
    def test_the_purest_place_is_the_unmixed_end_of_a_class(self, rng):
        """Each class is a cloud of its own and a part of a cloud that both share."""
        alone, shared = rng.normal(0, 0.1, (100, 2)), rng.normal(0, 0.1, (100, 2))
        right, left = alone[:50] + np.array([3, 0]), alone[50:] - np.array([3, 0])
        z = np.concatenate([right, shared[:50], left, shared[50:]])
        found = latents.purest(z, np.repeat([4, 9], 100))
        assert list(found) == [4, 9]
        np.testing.assert_allclose([found[4], found[9]], [[3, 0], [-3, 0]], atol=0.5)

    def test_the_circle_holds_nine_tenths_of_the_prior(self, rng):
        radius = np.hypot(*rng.standard_normal((2, 100_000)))
        assert (radius < latents.PRIOR_RADIUS).mean() == pytest.approx(0.9, abs=0.005)


class TestPhase:
    @pytest.fixture
    def pair(self, rng):
        return rng.random((24, 32)), gaussian_filter(rng.random((24, 32)), 1.5)

    def test_fine_energy_is_the_others_and_nothing_else_changes(self, pair):
        """In the DFT of the image mirrored to twice its size, whose phases a gain leaves alone."""

        def spectrum(image):
            mirrored = np.block([[image, image[:, ::-1]], [image[::-1], image[::-1, ::-1]]])
            return np.fft.fft2(mirrored)

        image, other = pair
        found, was, wanted = (spectrum(x) for x in (phase.with_fine_energy(image, other), image, other))
        height, width = was.shape
        frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
        fine = frequency >= phase.CUTOFF - 1e-12
        np.testing.assert_allclose(found[~fine], was[~fine], atol=1e-9)
        np.testing.assert_allclose(np.angle(found * was.conj())[abs(was) > 1e-6], 0, atol=1e-6)
        gain = abs(found[fine])[abs(was[fine]) > 1e-6] / abs(was[fine])[abs(was[fine]) > 1e-6]
        np.testing.assert_allclose(gain, gain[0], rtol=1e-6)
        assert (abs(found[fine]) ** 2).sum() == pytest.approx((abs(wanted[fine]) ** 2).sum(), rel=1e-9)

    def test_exchanged_spectra_have_the_phase_and_the_amplitude_claimed(self, pair):
        spectra, others = (phase.local_spectra(image) for image in pair)
        found = phase.exchanged(spectra, others)
        np.testing.assert_allclose(abs(found), abs(others), atol=1e-12)
        known = (abs(spectra) > 1e-9) & (abs(others) > 1e-9)
        np.testing.assert_allclose(np.angle(found * spectra.conj())[known], 0, atol=1e-9)

    def test_local_spectra_are_those_of_hann_windows(self, pair):
        """One window in the middle, by hand."""
        image = pair[0]
        ramp = np.sin(np.pi * np.arange(16) / 16) ** 2
        expected = np.fft.fft2(image[4:20, 8:24] * ramp[:, None] * ramp[None])
        np.testing.assert_allclose(phase.local_spectra(image)[5, 6], expected, atol=1e-12)

    def test_an_image_exchanged_with_itself_is_itself(self, pair):
        for exchange in (phase.with_fine_energy, phase.with_local_amplitudes):
            np.testing.assert_allclose(exchange(pair[0], pair[0]), pair[0], atol=1e-12)


class TestBlur:
    @pytest.mark.parametrize("sigma", [1, 2, 3])
    def test_gaussian_blur(self, sigma, digits):
        """Against scipy's, sampled and at mirrored borders, where sampling is near exact."""
        expected = gaussian_filter(digits.astype(float), (0, sigma, sigma, 0), mode="reflect", truncate=8)
        np.testing.assert_allclose(blur.gaussian_blur(digits, sigma), expected, atol=2e-3)

    def test_none(self, digits):
        np.testing.assert_allclose(blur.gaussian_blur(digits, 0), digits, atol=1e-6)


class TestKernels:
    def test_epochs_images_and_widths(self, rng):
        """Tiles at epochs 1 to the last, denser at first; the width under a kernel is its standard deviation."""
        kernels = np.zeros((50, 2, 7, 7), np.float32)
        kernels[:, 0, 3, 3] = 1
        kernels[:, 1, 3, [1, 5]] = 0.5  # two pixels at ±2: variance 4 along one axis, 0 along the other
        images = rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
        kept = {"epoch": np.arange(1, 51), "kernels": kernels, "images": images}
        figure = figures.kernels.figure_of(kept | {"reconstructions": np.tile(images, (50, 1, 1, 1, 1))})
        axes = np.reshape(figure.axes, (4, 9))
        titles = [axis.get_title() for axis in axes[0, 1:]]
        assert titles == [f"epoch {e}" for e in (1, 2, 3, 5, 9, 16, 29, 50)]
        assert {axis.get_xlabel() for axis in axes[0, 1:]} == {"0.00 px"}
        assert {axis.get_xlabel() for axis in axes[2, 1:]} == {f"{np.sqrt(2):.2f} px"}
        for row, image in zip(axes[1::2], images, strict=True):
            for axis in row:
                np.testing.assert_allclose(axis.images[0].get_array(), image / 255)

    def test_none_kept(self, tmp_path):
        assert figures.kernels.over_epochs(SimpleNamespace(models={"L2": None}, results={"L2": tmp_path})) is None


class TestModelsOfOtherKinds:
    """A figure leaves out the models that it does not fit, and there is none if it fits none."""

    @pytest.fixture
    def material(self):
        """Of a VAE of 2 latents, and one of 8 without a reconstruction loss."""
        plain = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))
        blur_error = models.build(config.resolve({"model": "blur_error_vae", "latent_dim": 8}), (28, 28, 1))
        test = data.load("mnist", "test")
        return figures.Material({"blur": blur_error, "L2": plain}, test.images[:400], test.labels[:400], {})

    @pytest.mark.parametrize("draw", [latents.planes, latents.manifolds])
    def test_latent_planes(self, material, draw):
        assert [axis.get_title() for axis in draw(material).figure.axes] == ["L2"]
        assert draw(material._replace(models={"blur": material.models["blur"]})) is None

    def test_sensitivity(self, material):
        found = figures.sensitivity.of_models(material)
        assert found.axes[0].get_legend_handles_labels()[1] == ["L2"]
        assert figures.sensitivity.of_models(material._replace(models={"blur": material.models["blur"]})) is None

    def test_spectra_are_of_what_a_model_of_damaged_images_restores(self, material):
        """The power (dB) of one model's reconstructions, damaged and given noise here."""
        model, _ = checkpoint.load_model(ROOT / "checkpoints/ambient_drop_patch/model.npz")
        images = material.images[:20]
        figure = figures.spectra.spectra(material._replace(models={"ambient": model}, images=images))
        (line,) = (line for line in figure.axes[0].lines if line.get_label().startswith("ambient"))
        x, noise = np.float32(images) / 255, tf.random.stateless_normal([20, model.latent_dim], [0, 0])
        z_mean, z_log_var = np.split(model.encoder(model.measurement(x, [0, 1])), 2, axis=1)
        expected = blur.radial_spectrum(model.decoder(z_mean + np.exp(z_log_var / 2) * noise).numpy())[1]
        np.testing.assert_allclose(line.get_ydata(), expected, atol=0.01)

    def test_a_model_of_damaged_images_sees_them_damaged(self, material):
        model, _ = checkpoint.load_model(ROOT / "checkpoints/ambient_drop_patch/model.npz")
        images = np.float32(material.images[:20]) / 255
        z_mean, _ = np.split(model.encoder(model.measurement(images, [0, 1])), 2, axis=1)
        np.testing.assert_allclose(scoring.reconstructed(model, images), model.decoder(z_mean), atol=1e-5)


class TestComparison:
    def test_rows_and_tiles(self, rng, monkeypatch):
        """The data's next images beside the first; of a loss its reconstructions and samples."""
        images = rng.integers(0, 256, (20, 8, 8, 3), np.uint8)
        dark = SimpleNamespace(sample=lambda count, seed: np.full((count, 8, 8, 3), 0.3))
        monkeypatch.setattr(figures.colour, "reconstructed", lambda model, images: images / 2)
        figure = figures.colour.comparison(SimpleNamespace(models={"dark": dark}, images=images))
        shown = [axis.images[0].get_array() for axis in figure.axes]
        first, further = (np.concatenate(images[i : i + 8], axis=1) / 255 for i in (0, 8))
        for found, expected in zip(shown, [first, further, first / 2, np.full_like(first, 0.3)], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert [axis.get_ylabel() for axis in figure.axes[::2]] == ["data", "dark"]


class TestNames:
    """What a figure calls a checkpoint."""

    @pytest.mark.parametrize("losses,shown", [
        ({"l2": "l2", "ours": "ours"}, ["L2", "STFT+SSIM (paper)"]),
        ({"a": "l2", "mine": "ours-corrected"}, ["L2", "STFT+SSIM (corrected)"]),
        ({"a": "l2", "b": "l2", "c": "ssim"}, ["a", "b", "SSIM"]),
        ({"b": "blur_error_vae"}, ["blur-error VAE"]),
    ])  # fmt: skip
    def test_the_loss_unless_two_have_the_same(self, losses, shown):
        assert report.shown_names(losses) == dict(zip(losses, shown, strict=True))

    def test_a_log_is_where_it_is_found_first(self, tmp_path):
        folders = [tmp_path / "local", tmp_path]
        assert report.log_folder("l2", folders) == tmp_path / "l2"
        (tmp_path / "local/l2").mkdir(parents=True)
        assert report.log_folder("l2", folders) == tmp_path / "local/l2"


class TestCurves:
    def test_a_repeated_score_is_shown_once(self):
        rows = [{"epoch": str(i), "test_psnr": value} for i, value in enumerate(["", "11", "11", "12", "", "12", "11"])]
        assert curves.new_values(rows, "test_psnr") == ([1.0, 3.0, 5.0, 6.0], [11.0, 12.0, 12.0, 11.0])

    def test_a_model_without_a_log_is_left_out(self, tmp_path):
        (tmp_path / "metrics.csv").write_text("epoch,test_psnr,test_ssim,learning_rate\n1,11,0.4,0.001\n")
        folders = {"L2": tmp_path, "SSIM": tmp_path / "none"}
        figure = curves.training(SimpleNamespace(models=folders, results=folders))
        assert figure.axes[0].get_legend_handles_labels()[1] == ["L2"]
        assert curves.training(SimpleNamespace(models={"SSIM": None}, results=folders)) is None

    def test_a_log_without_scores(self, tmp_path):
        """That of a training which was stopped before its first score."""
        (tmp_path / "metrics.csv").write_text("epoch,learning_rate\n1,0.001\n")
        figure = curves.training(SimpleNamespace(models={"L2": tmp_path}, results={"L2": tmp_path}))
        assert [len(axis.lines[0].get_xdata()) for axis in figure.axes] == [0, 0, 1]


def test_grey_pictures_without_classes(tmp_path, rng):
    """Are shown as those in colour are."""
    np.save(tmp_path / "a.npy", rng.integers(0, 256, (100, 28, 28), np.uint8))
    shipped = f"--checkpoint={ROOT / 'checkpoints/l2/model.npz'}"
    evaluate.main(["figures", shipped, "--dataset=array_file", f"--data_dir={tmp_path}/a.npy", f"--out_dir={tmp_path}"])
    assert (tmp_path / "figures/array_file_comparison.png").exists()


def test_every_line_differs_in_lightness_and_in_marker():
    styles = list(style.lines(list("abcdefgh")).values())
    lightness = [np.dot(style["color"][:3], [0.2126, 0.7152, 0.0722]) for style in styles]
    assert np.all(np.diff(lightness) > 0.02)
    assert len({style["marker"] for style in styles}) == len(styles)


def save(folder, tag, **given):
    """An untrained model as a checkpoint, and a log."""
    settings = config.resolve(given)
    keras.utils.set_random_seed(1)
    checkpoint.save_model(folder / "models" / tag / "model.npz", models.build(settings, (28, 28, 1)), settings)
    (folder / tag).mkdir()
    log = "step,epoch,learning_rate,test_psnr,test_ssim\n5,0.5,0.001,,\n10,1,0.002,11,0.4\n"
    (folder / tag / "metrics.csv").write_text(log)


def draw(folder, losses, monkeypatch):
    """The report, on few images, with an evolution of kernels in the results of the last of `losses`."""
    kept = {"epoch": np.arange(1, 21), "images": np.zeros((4, 28, 28, 1), np.uint8)}
    kept |= {"kernels": np.ones((20, 4, 5, 5), np.float32) / 25, "reconstructions": np.zeros((20, 4, 28, 28, 1))}
    checkpoint.write(folder / losses[-1] / "evolution.npz", kept)
    few = data.Split(*(values[:300] for values in data.load("mnist", "test")))
    monkeypatch.setattr(data, "load", lambda *_: few)
    monkeypatch.setattr(digits, "NUM_CANDIDATES", 100)
    monkeypatch.setattr(figures.sensitivity.probe, "NUM_IMAGES", 8)
    place = [f"--model_dir={folder / 'models'}", f"--results_dir={folder}", f"--out_dir={folder}"]
    evaluate.main(["figures", f"--loss={','.join(losses)}", *place])


@pytest.mark.slow
def test_the_report_writes_its_figures(tmp_path, monkeypatch, capsys):
    """Two untrained models, few images: every figure of the table, no other file, each small."""
    for loss in ("l2", "ours"):
        save(tmp_path, loss, loss=loss)
    draw(tmp_path, ["l2", "ours"], monkeypatch)
    expected = [tmp_path / "figures" / f"{name}.png" for name in figures.FIGURES["digits"]]
    assert capsys.readouterr().out.split() == [str(path) for path in expected]
    assert sorted(tmp_path.glob("figures/*")) == sorted(expected)
    for path in expected:
        assert path.stat().st_size < 300_000
        with Image.open(path) as image:
            assert image.width == 1080


@pytest.mark.slow
def test_the_report_with_models_of_other_kinds(tmp_path, monkeypatch):
    """Every figure but those of a latent plane and of a loss by itself."""
    save(tmp_path, "blur", model="blur_error_vae", latent_dim=8)
    save(tmp_path, "ambient", model="ambient_vae_gan", architecture="ambient28", latent_dim=4, measurement="drop_patch")
    draw(tmp_path, ["blur", "ambient"], monkeypatch)
    expected = figures.FIGURES["digits"].keys() - {"manifolds", "latents", "probe"}
    assert {path.stem for path in tmp_path.glob("figures/*")} == expected


def test_the_frontier():
    """Rows that differ in the weight of a term alone are one curve, from the lowest PSNR on."""

    def row(name, psnr, blur, sd=None):
        return {"name": name, "psnr": {"mean": psnr, "sd": sd}, "equivalent_blur": {"mean": blur, "sd": sd}}

    rows = [
        row("ours", 12, 0.6, 0.1),
        row("ours stft_coef=0.15", 11, 0.4, 0.1),
        row("ours stft_coef=0.15 arg_coef=0.0", 11.5, 0.5),
        row("unsharp of l2", 13, 0.7),
    ]
    figure = frontier(rows)
    (axis,) = figure.axes
    assert axis.get_title() == "blur (px)"
    found = {one.get_label(): one[0].get_xydata().tolist() for one in axis.containers}
    assert found == {
        "STFT+SSIM (paper)": [[11, 0.4], [12, 0.6]],
        "STFT+SSIM (paper) arg_coef=0.0": [[11.5, 0.5]],
        "unsharp mask of L2": [[13, 0.7]],
    }

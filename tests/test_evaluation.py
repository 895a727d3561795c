"""PSNR, SSIM and the table, against tf.image and scikit-image; the choice of a report; grids and checkpoints."""

import json
import statistics
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

import config
import data
import evaluate
import generate
import models
from config.system.errors import UserError
from evaluation import comparison, grids, markdown, scoring
from evaluation.metrics import HIGHEST_PSNR, METRICS, OF_IMAGES, Metric, digit_reader, psnr
from evaluation.reports import table
from models import checkpoint, runs

ROOT = Path(__file__).parent.parent
PROTOCOL = comparison.Protocol("mnist", "test", "mean", 0, None)


@pytest.fixture
def folder(tmp_path):
    """A folder with two untrained checkpoints, an l2 one and a bce one."""
    for loss in ("l2", "bce"):
        settings = config.resolve({"loss": loss})
        keras.utils.set_random_seed(1)
        checkpoint.save_model(tmp_path / loss / "model.npz", models.build(settings, (28, 28, 1)), settings)
    return tmp_path


class TestScores:
    def test_psnr(self, rng, digits):
        y = (digits + rng.normal(0, 0.2, digits.shape)).astype(np.float32)
        found = psnr(digits, y).numpy()
        np.testing.assert_allclose(found, tf.image.psnr(digits, y, 1.0), rtol=1e-5)
        expected = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(digits, y, strict=True)]
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_psnr_of_equal_images_is_finite(self, digits):
        np.testing.assert_allclose(psnr(digits, digits), HIGHEST_PSNR, rtol=1e-6)

    def test_samples_are_clipped(self):
        model = SimpleNamespace(decode=lambda z: z)
        batch = scoring.Batch(
            model, np.zeros((1, 2, 2, 1)), None, None, np.float32([-0.5, 0.5, 1.5]), lambda made: made
        )
        assert batch.samples.tolist() == [0, 0.5, 1]

    @pytest.mark.parametrize("z", ["sample", "mean"])
    def test_scores_of_a_model(self, z, digits):
        """Every image by itself, through tf.image, with the noise of this test."""
        model = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))
        noise = tf.random.stateless_normal([8, 2], [5, 0]) if z == "sample" else 0
        encoded = model.encoder(digits)
        output = model.decoder(encoded[:, :2] + tf.exp(encoded[:, 2:] / 2) * noise)
        found = scoring.score(model, np.uint8(digits * 255), latents=z, seed=5)
        clipped = tf.clip_by_value(output, 0, 1)
        np.testing.assert_allclose(found["psnr"], tf.image.psnr(digits, output, 1.0), rtol=1e-4)
        np.testing.assert_allclose(found["ssim"], tf.image.ssim(digits, output, 1.0), atol=1e-5)
        np.testing.assert_allclose(found["psnr_clipped"], tf.image.psnr(digits, clipped, 1.0), rtol=1e-4)
        np.testing.assert_allclose(found["ssim_clipped"], tf.image.ssim(digits, clipped, 1.0), atol=1e-5)

    def test_batches_change_nothing(self, digits, monkeypatch):
        model = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))
        whole = scoring.score(model, np.uint8(digits * 255), [*OF_IMAGES, "equivalent_blur", "sample_blur"])
        monkeypatch.setattr("evaluation.metrics.display.BATCH", 3)
        parts = scoring.score(model, np.uint8(digits * 255), list(whole))
        for name, values in whole.items():
            np.testing.assert_allclose(values, parts[name], rtol=1e-4, atol=1e-5, err_msg=name)

    def test_every_image_is_decoded_once(self, digits, monkeypatch):
        """As many latents are decoded as there are images, and as many again for samples of the prior if asked for."""
        model, decoded = models.build(config.resolve({"loss": "l2"}), (28, 28, 1)), []
        decode = model.decode
        monkeypatch.setattr(model, "decode", lambda z: decoded.append(len(z)) or decode(z))
        monkeypatch.setattr("evaluation.metrics.display.BATCH", 3)
        scoring.score(model, np.uint8(digits * 255))
        assert sum(decoded) == 8
        scoring.score(model, np.uint8(digits * 255), [*OF_IMAGES, "equivalent_blur", "sample_blur"])
        assert sum(decoded) == 8 + 2 * 8

    def test_only_the_first_images(self, digits, monkeypatch):
        """A metric of the first images has that many values, whatever the batches."""
        model = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))
        monkeypatch.setattr("evaluation.metrics.display.BATCH", 3)
        first = Metric("", 0, lambda batch: batch.image[:, 14, 14, 0], least_images=1)
        monkeypatch.setitem(METRICS, "first", first)
        for count in (1, 3, 4, 8, 20):
            found = scoring.score(model, np.uint8(digits * 255), ["first", "psnr"], first=count)
            np.testing.assert_array_equal(found["first"], digits[:count, 14, 14, 0])
            assert len(found["psnr"]) == 8

    def test_a_training_records_every_metric_of_images(self, digits, tmp_path):
        settings = config.resolve({"loss": "l2", "results_dir": str(tmp_path)})
        scores = scoring.score(models.build(settings, (28, 28, 1)), np.uint8(digits * 255))
        runs.record(settings, scores)
        (row,) = runs.read(tmp_path / "runs.csv")
        assert list(row)[-5:] == ["psnr", "ssim", "psnr_clipped", "ssim_clipped", "kl_divergence"]
        assert float(row["psnr"]) == pytest.approx(scores["psnr"].mean(), abs=1e-5)


class TestDigitReader:
    def test_it_reads_the_test_digits(self):
        """By their labels, more than 98 of 100; moved by half their width, few."""
        images, labels = data.load("mnist", "test")
        images = np.float32(images) / 255
        assert (digit_reader.read(images) == labels).mean() > 0.98
        assert (digit_reader.read(np.roll(images, 14, 2)) == labels).mean() < 0.5

    def test_a_reconstruction_is_read_as_its_image(self, digits):
        batch = SimpleNamespace(image=digits, clipped=np.concatenate([digits[:6], digits[:2]]))
        labels = data.load("mnist", "test").labels
        expected = [1] * 6 + [labels[6] == labels[0], labels[7] == labels[1]]
        np.testing.assert_array_equal(METRICS["digit_read"].score(batch), expected)

    def test_only_of_digits(self):
        for dataset, expected in {"mnist": True, "mnist-gray": True, "fashion-mnist": False, "cifar10": False}.items():
            found = comparison.Protocol(dataset, "test", "mean", 0, None).metrics()
            assert ("digit_read" in found) == ("shape_blur" in found) == expected


class TestColour:
    def test_colour_that_is_kept(self):
        """Of pictures that fade to grey by known factors, the mean factor, weighted by their own colour."""
        pictures = np.random.default_rng(0).uniform(0.3, 0.7, (3, 4, 5, 3)).astype(np.float32)
        factors = np.float32([0, 0.5, 1])
        grey = pictures.mean(-1, keepdims=True)
        faded = grey + factors[:, None, None, None] * (pictures - grey)
        metric = METRICS["colour_kept"]
        values = metric.score(SimpleNamespace(clipped=faded, image=pictures))
        own = [np.mean([statistics.pstdev(map(float, pixel)) for pixel in one.reshape(-1, 3)]) for one in pictures]
        for weights, expected in {
            (1, 0, 0): 0,
            (0, 1, 0): 0.5,
            (0, 0, 1): 1,
            (0, 0.5, 0.5): (own[1] / 2 + own[2]) / (own[1] + own[2]),
        }.items():
            found = metric.resample(values, SimpleNamespace(weights=np.array([weights])))
            assert found == pytest.approx([expected], abs=1e-5)

    def test_grey_images_have_none(self):
        grey = np.full((1, 4, 4, 3), 0.5, np.float32)
        values = METRICS["colour_kept"].score(SimpleNamespace(clipped=grey, image=grey))
        assert METRICS["colour_kept"].resample(values, SimpleNamespace(weights=np.array([[1]]))) == [0]

    def test_only_of_pictures_in_colour(self):
        for dataset, expected in {"mnist": False, "cifar10": True, "celeba": True}.items():
            assert ("colour_kept" in comparison.Protocol(dataset, "test", "mean", 0, None).metrics()) == expected


class TestMarkdown:
    @pytest.mark.parametrize("value,decimals,sign,expected", [
        (11.938, 2, "", "11.94"),
        (0.524, 2, "+", "+0.52"),
        (-0.524, 2, "+", "-0.52"),
        (-0.004, 2, "", "0.00"),
        (-0.004, 2, "+", "0.00"),
        (0.004, 2, "+", "0.00"),
        (-0.0, 3, "", "0.000"),
    ])  # fmt: skip
    def test_number(self, value, decimals, sign, expected):
        assert markdown.number(value, decimals, sign) == expected

    def test_interval(self):
        assert markdown.interval(0.001, -0.002, 0.004, 2) == "0.00 [0.00, 0.00]"
        assert markdown.interval(0.52, 0.478, 0.571, 2, "+") == "+0.52 [+0.48, +0.57]"

    @pytest.mark.parametrize("name,shown", [
        ("ours", "STFT+SSIM (paper)"),
        ("ours beta=0.1", "STFT+SSIM (paper) beta=0.1"),
        ("ours-corrected_seed1", "STFT+SSIM (corrected) seed1"),
        ("l2 beta=0.0001 - ours-released", "L2 beta=0.0001 - STFT+SSIM (released code)"),
        ("blur_error_vae_seed1_beta0.4", "blur-error VAE seed1_beta0.4"),
        ("l2+ffl", "L2+FFL"),
        ("unsharp of l2 beta=0.1 - l2", "unsharp mask of L2 beta=0.1 - L2"),
        ("l2-or-not", "l2-or-not"),
        ("my_run", "my_run"),
    ])  # fmt: skip
    def test_names(self, name, shown):
        assert markdown.display_name(name) == shown


class TestTable:
    @pytest.fixture
    def rows(self, folder, digits):
        test = table.measured_on(np.uint8(digits * 255), None)
        files = {loss: folder / loss / "model.npz" for loss in ("l2", "bce")}
        return [table.row(loss, *checkpoint.load_model(path), test, PROTOCOL) for loss, path in files.items()]

    def test_row(self, folder, digits, rows):
        model, _ = checkpoint.load_model(folder / "l2/model.npz")
        expected = tf.image.psnr(digits, model(digits), 1.0).numpy().mean()
        assert rows[0]["psnr"] == pytest.approx(expected, rel=1e-4)
        assert {"paper_psnr": 10.2, "paper_ssim": 0.41, "num_images": 8, "split": "test"}.items() <= rows[0].items()
        assert rows[1]["paper_psnr"] is None

    @pytest.mark.slow
    def test_each_model_on_what_it_was_trained_on(self, tmp_path, rng, capsys):
        """Digits in grey in a recorded folder; the digits in black and white; damaged for a model that restores."""
        images = rng.integers(0, 256, (6, 28, 28), np.uint8)
        np.savez(tmp_path / "mnist.npz", x_train=images, y_train=np.zeros(6), x_test=images, y_test=np.zeros(6))
        grey = {"dataset": "mnist-gray", "data_dir": str(tmp_path)}
        for name, given in {
            "grey": grey | {"loss": "l2"},
            "restorer": grey | {"model": "ambient_vae_gan", "measurement": "drop_patch"},
        }.items():
            settings = config.resolve(given)
            model = models.build(settings, (28, 28, 1))
            checkpoint.save_model(tmp_path / name / "model.npz", model, settings)
        flags = [f"--model_dir={tmp_path}", f"--out_dir={tmp_path}", f"--json={tmp_path / 'rows.json'}", "--z=mean"]
        evaluate.main(["--loss=grey,restorer", *flags])
        text = capsys.readouterr().out
        assert "6 test images of mnist-gray, reconstructed from the mean" in text
        assert "restorer restores: it sees each image damaged (drop_patch, k = 14)" in text
        (row, _) = json.loads((tmp_path / "rows.json").read_text())["rows"]
        x = (images[..., None] / 255).astype(np.float32)
        expected = tf.image.psnr(x, checkpoint.load_model(tmp_path / "grey/model.npz")[0](x), 1.0).numpy().mean()
        assert row["psnr"] == pytest.approx(expected, rel=1e-4)
        evaluate.main(["--loss=grey", "--dataset=mnist", *flags])
        assert "10,000 test images of mnist, reconstructed" in capsys.readouterr().out

    def test_models_of_several_data_sets(self, rows):
        rows = [rows[0] | {"dataset": "mnist"}, rows[1] | {"dataset": "cifar10", "num_images": 10_000}]
        caption = table.caption(rows, "sample", 0)
        assert caption.startswith("8 test images of mnist (L2) and 10,000 test images of cifar10 (BCE), reconstructed")

    @pytest.mark.parametrize("light", [True, False])
    def test_a_digit_on_white(self, folder, tmp_path, capsys, digits, light):
        Image.fromarray(np.uint8(255 * (1 - digits if light else digits)[0, :, :, 0])).save(tmp_path / "mine.png")
        flags = [f"--image={tmp_path / 'mine.png'}", f"--model_dir={folder}", f"--out_dir={tmp_path}"]
        evaluate.main(["image", *flags, "--loss=l2"])
        warning = "mine.png: expected light on black, as in mnist, got a light background; invert it, "
        assert (warning in capsys.readouterr().err) == light

    def test_markdown(self, rows):
        heading, rule, line, other = table.table(
            [rows[0] | {"psnr": 12.0, "ssim": 0.45, "epochs": 2.5}, rows[1]]
        ).split("\n")
        assert [cell.strip() for cell in heading.split("|")[1:5]] == ["loss", "epochs", "PSNR", "SSIM"]
        assert [cell.strip() for cell in line.split("|")[1:5]] == ["L2", "2.5", "12.00", "0.450"]
        assert [cell.strip() for cell in line.split("|")[-3:-1]] == ["10.20", "0.41"]
        assert [cell.strip() for cell in other.split("|")[-3:-1]] == ["", ""]
        assert len(heading) == len(rule) == len(line)

    def test_epochs_count_those_of_the_checkpoint_begun_from(self, tmp_path):
        """Of 100 images, 3 epochs in batches of 50, then 6 in batches of 25, two of them done."""
        model = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))
        start, manifests = tmp_path / "start_seed7.npz", []
        for path, batch_size, init_from, step in (
            (start, 50, "", 6),
            (tmp_path / "model.npz", 25, f"{tmp_path}/start_seed{{seed}}.npz", 8),
        ):
            given = {"train_size": 100, "batch_size": batch_size, "init_from": init_from, "seed": 7}
            checkpoint.save_model(path, model, config.resolve(given), step=step)
            manifests.append(checkpoint.read(path)[1])
        assert [checkpoint.epochs(manifest) for manifest in manifests] == [3, 5]
        start.unlink()
        assert checkpoint.epochs(manifests[1]) is None

    @pytest.mark.slow
    def test_json(self, folder, tmp_path, capsys):
        out = tmp_path / "rows.json"
        place = [f"--model_dir={folder}", f"--json={out}", f"--out_dir={tmp_path}"]
        evaluate.main(["--loss=bce,l2", "--z=mean", "--split=held-out", *place])
        rows = json.loads(out.read_text())["rows"]
        assert [row["loss"] for row in rows] == ["bce", "l2"]
        assert [row["output_space"] for row in rows] == ["logits", "linear"]
        assert {row["num_images"] for row in rows} == {10000}
        text = capsys.readouterr().out
        assert f"{rows[1]['psnr']:.2f}" in text
        assert (tmp_path / "table.md").read_text() == text

    def test_images_of_another_shape_are_refused(self, folder, tmp_path, rng):
        images = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
        np.savez(tmp_path / "cifar10.npz", x_train=images, y_train=np.zeros(3), x_test=images, y_test=np.zeros(3))
        with pytest.raises(UserError, match=r"expected images of \(32, 32, 3\), got a model of \(28, 28, 1\)"):
            evaluate.main(
                [
                    "--loss=l2",
                    f"--model_dir={folder}",
                    "--dataset=cifar10",
                    f"--data_dir={tmp_path}",
                    f"--out_dir={tmp_path}",
                ]
            )

    def test_a_users_picture(self, folder, tmp_path, capsys, rng):
        pixels = rng.integers(0, 256, (28, 28), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "mine.png")
        flags = [f"--image={tmp_path / 'mine.png'}", "--loss=l2", f"--model_dir={folder}", f"--out_dir={tmp_path}"]
        evaluate.main([*flags, "--z=mean"])
        model, _ = checkpoint.load_model(folder / "l2/model.npz")
        x = (pixels / 255).astype(np.float32)[None, :, :, None]
        expected = f"PSNR {float(tf.image.psnr(x, model(x), 1.0)[0]):.2f} dB"
        assert expected in capsys.readouterr().out
        assert (tmp_path / "l2/mine_reconstruction.png").exists()

    @pytest.mark.parametrize("z", ["sample", "mean"])
    def test_the_reconstruction_that_is_saved_is_the_one_scored(self, z, tmp_path, capsys):
        """Of a model that is given the picture damaged; up to the 8 bits of the file."""
        pixels = data.load("mnist", "test").images[0, :, :, 0]
        Image.fromarray(pixels).save(tmp_path / "mine.png")
        place = [f"--model_dir={ROOT / 'checkpoints'}", f"--out_dir={tmp_path}"]
        flags = ["image", f"--image={tmp_path / 'mine.png'}", *place, f"--z={z}"]
        evaluate.main([*flags, "--loss=ambient_drop_patch", "--seed=3"])
        with Image.open(tmp_path / "ambient_drop_patch/mine_reconstruction.png") as image:
            shown = np.asarray(image)[:: grids.SCALE, :: grids.SCALE]
        np.testing.assert_array_equal(shown[1:29, 1:29], pixels)
        printed = float(capsys.readouterr().out.split("PSNR ")[1].split(" dB")[0])
        assert printed == pytest.approx(peak_signal_noise_ratio(pixels, shown[1:29, 30:58]), abs=0.03)


@pytest.mark.parametrize(
    "report", [["probe"], ["audit"], ["table"], ["runs", "--runs=results/runs.csv", "--loss=ours"]]
)
def test_where_nothing_can_be_written_nothing_is_scored(report, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "load", None)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="expected a folder that can be written to"):
        evaluate.main([*report, f"--out_dir={tmp_path}/file/results"])


class TestGrids:
    def test_grid_is_on_the_fixed_scale(self):
        tiles = np.stack([np.full((2, 3, 1), value) for value in (-1.0, 0.25, 2.0)])
        picture = grids.grid(tiles, columns=2)[:, :, 0]
        assert picture.shape == (7, 9)
        assert picture[1, 1] == 0
        assert picture[1, 5] == 64
        assert picture[4, 1] == 255
        assert picture[4, 5] == picture[0, 0] == 128

    def test_generate_shows_the_models_samples(self, folder, tmp_path):
        generate.main(
            ["--loss=l2,", "--num_samples=5", "--name=g", f"--out_dir={tmp_path}", f"--model_dir={folder}", "--seed=3"]
        )
        model, _ = checkpoint.load_model(folder / "l2/model.npz")
        expected = np.round(np.clip(model.sample(5, 3).numpy(), 0, 1) * 255)[1, :, :, 0]
        with Image.open(tmp_path / "l2/g.png") as image:
            found = np.asarray(image)[:: grids.SCALE, :: grids.SCALE]
        np.testing.assert_array_equal(found[1:29, 30:58], expected)

    def test_generate_every_checkpoint(self, folder, tmp_path, capsys):
        generate.main(
            ["--loss=all", "--grid=manifold", "--num_samples=9", f"--out_dir={tmp_path}", f"--model_dir={folder}"]
        )
        assert capsys.readouterr().out.split() == [f"{tmp_path}/{loss}/manifold.png" for loss in ("bce", "l2")]


class TestCheckpoints:
    def test_round_trip(self, folder):
        settings = config.resolve({"loss": "l2"})
        keras.utils.set_random_seed(1)
        model = models.build(settings, (28, 28, 1))
        loaded, manifest = checkpoint.load_model(folder / "l2/model.npz")
        z = tf.random.normal([2, 2])
        np.testing.assert_array_equal(loaded.decode(z), model.decode(z))
        assert manifest["config"] == vars(settings)

    @pytest.mark.parametrize("change,message", [
        (lambda t: t.pop("decoder/dense/kernel"), "missing tensors: decoder/dense/kernel"),
        (lambda t: t.update(extra=np.zeros(1)), "tensors that do not belong: extra"),
        (lambda t: t.update({"decoder/dense/bias": np.zeros(3, np.float32)}), "tensor decoder/dense/bias: expected"),
        (lambda t: t.update({"decoder/dense/bias": np.zeros(1568)}), "tensor decoder/dense/bias: expected"),
    ])  # fmt: skip
    def test_tensors_that_do_not_fit_are_named(self, folder, change, message):
        path = folder / "l2/model.npz"
        tensors, manifest = checkpoint.read(path)
        change(tensors)
        facts = {name: value for name, value in manifest.items() if name != "tensors"}
        checkpoint.write(path, tensors, **facts)
        with pytest.raises(UserError, match=message):
            checkpoint.load_model(path)

    def test_damage_is_detected_or_harmless(self, folder, rng):
        """Every flipped or cut byte ends in a named error or in the same bits; never in other weights."""
        path = folder / "l2/model.npz"
        content = path.read_bytes()
        whole, facts = checkpoint.read(path)
        for place in rng.integers(0, len(content), 200):
            damaged = bytearray(content)
            damaged[place] ^= 1 << rng.integers(8)
            path.write_bytes(damaged if rng.random() < 0.7 else content[:place])
            try:
                tensors, manifest = checkpoint.read(path)
            except UserError as error:
                assert "model.npz" in str(error)
            else:
                assert manifest == facts
                assert tensors.keys() == whole.keys()
                assert all(np.array_equal(tensors[name], whole[name]) for name in whole)

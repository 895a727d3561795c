"""PSNR, SSIM and the table, against tf.image and scikit-image; the pictures."""

import json
from pathlib import Path

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
from evaluation import grids
from evaluation.metrics import quality
from evaluation.reports import table
from models import checkpoint


@pytest.fixture
def folder(tmp_path):
    """A folder with two untrained checkpoints, an l2 one and a bce one."""
    for loss in ("l2", "bce"):
        settings = config.resolve({"loss": loss})
        keras.utils.set_random_seed(1)
        checkpoint.save_model(tmp_path / loss / "model.npz", models.build(settings, (28, 28, 1)), settings)
    return tmp_path


class TestMeasures:
    def test_psnr(self, rng, digits):
        y = (digits + rng.normal(0, 0.2, digits.shape)).astype(np.float32)
        found = quality.psnr(digits, y).numpy()
        np.testing.assert_allclose(found, tf.image.psnr(digits, y, 1.0), rtol=1e-5)
        expected = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(digits, y, strict=True)]
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_psnr_of_equal_images_is_finite(self, digits):
        np.testing.assert_allclose(quality.psnr(digits, digits), quality.HIGHEST_PSNR, rtol=1e-6)

    @pytest.mark.parametrize("z", ["sample", "mean"])
    def test_quality_of_a_model(self, z, digits):
        """Every image by itself, through tf.image, with the noise drawn here."""
        model = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))
        noise = tf.random.stateless_normal([8, 2], [5, 0]) if z == "sample" else 0
        encoded = model.encoder(digits)
        output = model.decoder(encoded[:, :2] + tf.exp(encoded[:, 2:] / 2) * noise)
        found = quality.reconstruction_quality(model, np.uint8(digits * 255), z, seed=5)
        clipped = tf.clip_by_value(output, 0, 1)
        np.testing.assert_allclose(found["psnr"], tf.image.psnr(digits, output, 1.0), rtol=1e-4)
        np.testing.assert_allclose(found["ssim"], tf.image.ssim(digits, output, 1.0), atol=1e-5)
        np.testing.assert_allclose(found["psnr_clipped"], tf.image.psnr(digits, clipped, 1.0), rtol=1e-4)
        np.testing.assert_allclose(found["ssim_clipped"], tf.image.ssim(digits, clipped, 1.0), atol=1e-5)

    def test_batches_change_nothing(self, digits, monkeypatch):
        model = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))
        whole = quality.reconstruction_quality(model, np.uint8(digits * 255))
        monkeypatch.setattr("evaluation.metrics.display.BATCH", 3)
        parts = quality.reconstruction_quality(model, np.uint8(digits * 255))
        np.testing.assert_allclose(whole["psnr"], parts["psnr"], rtol=1e-5)


class TestTable:
    ROWS = (
        table.row("ours", {"psnr": np.array([11.0, 13.0]), "ssim": np.array([0.4, 0.5]), "psnr_clipped": np.ones(2),
                           "ssim_clipped": np.ones(2)}, dataset="mnist", split="test", z="sample", seed=0,
                  epochs=2.5),
    )  # fmt: skip

    def test_row(self):
        assert {
            "psnr": 12,
            "ssim": 0.45,
            "paper_psnr": 11.93,
            "paper_ssim": 0.492,
            "num_images": 2,
        }.items() <= self.ROWS[0].items()

    def test_markdown(self):
        heading, rule, line = table.quality_table(self.ROWS).split("\n")
        assert [cell.strip() for cell in heading.split("|")[1:5]] == ["loss", "epochs", "PSNR", "SSIM"]
        assert [cell.strip() for cell in line.split("|")[1:5]] == ["ours", "2.5", "12.00", "0.450"]
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

    def test_json(self, folder, tmp_path, capsys):
        out = tmp_path / "rows.json"
        evaluate.main(["--loss=bce,l2", f"--model_dir={folder}", f"--json={out}", "--z=mean", "--split=held-out"])
        rows = json.loads(out.read_text())["rows"]
        assert [row["loss"] for row in rows] == ["bce", "l2"]
        assert [row["output_space"] for row in rows] == ["logits", "linear"]
        assert {row["num_images"] for row in rows} == {10000}
        assert f"{rows[1]['psnr']:.2f}" in capsys.readouterr().out

    def test_images_of_another_shape_are_refused(self, folder, tmp_path, rng):
        images = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
        np.savez(tmp_path / "cifar10.npz", x_train=images, y_train=np.zeros(3), x_test=images, y_test=np.zeros(3))
        with pytest.raises(UserError, match=r"expected images of \(32, 32, 3\), got a model of \(28, 28, 1\)"):
            evaluate.main(["--loss=l2", f"--model_dir={folder}", "--dataset=cifar10", f"--data_dir={tmp_path}"])

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
    def test_the_reconstruction_that_is_saved_is_the_one_measured(self, z, tmp_path, capsys):
        """Of a model that is given the picture damaged; up to the 8 bits of the file."""
        pixels = data.load("mnist", "test").images[0, :, :, 0]
        Image.fromarray(pixels).save(tmp_path / "mine.png")
        folder = Path(__file__).parent.parent / "checkpoints"
        flags = [f"--image={tmp_path / 'mine.png'}", f"--model_dir={folder}", f"--out_dir={tmp_path}", f"--z={z}"]
        evaluate.main([*flags, "--loss=ambient_drop_patch", "--seed=3"])
        with Image.open(tmp_path / "ambient_drop_patch/mine_reconstruction.png") as image:
            shown = np.asarray(image)[:: grids.SCALE, :: grids.SCALE]
        np.testing.assert_array_equal(shown[1:29, 1:29], pixels)
        printed = float(capsys.readouterr().out.split("PSNR ")[1].split(" dB")[0])
        assert printed == pytest.approx(peak_signal_noise_ratio(pixels, shown[1:29, 30:58]), abs=0.03)


@pytest.mark.parametrize("task", [["--probe"], ["--audit"], ["--runs=results/runs.csv", "--loss=ours"]])
def test_where_nothing_can_be_written_nothing_is_measured(task, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "load", None)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="expected a folder that can be written to"):
        evaluate.main([*task, f"--out_dir={tmp_path}/file/results"])


class TestPictures:
    def test_grid_is_on_the_fixed_scale(self):
        tiles = np.stack([np.full((2, 3, 1), value) for value in (-1.0, 0.25, 2.0)])
        picture = grids.grid(tiles, columns=2)[:, :, 0]
        assert picture.shape == (7, 9)
        assert picture[1, 1] == 0
        assert picture[1, 5] == 64
        assert picture[4, 1] == 255
        assert picture[4, 5] == picture[0, 0] == 128

    def test_generate_draws_the_models_samples(self, folder, tmp_path):
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
        assert capsys.readouterr().out.split() == [f"{tmp_path}/{loss}/gen_samples.png" for loss in ("bce", "l2")]


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

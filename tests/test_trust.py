"""What must not be lost: killed runs, two writers, numbers that go wrong, the author's checkpoints."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from test_training import SMALL, folders, outcome, run

import config
import evaluate
import generate
import losses
import models
import train
from config.system.errors import UserError
from config.system.files import write_atomically
from config.system.lock import in_turn, only_writer
from models import checkpoint

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_twenty_kills_end_in_the_bits_of_an_uninterrupted_run(tmp_path):
    """SIGKILL at random moments, half of them inside a write, resumed each time."""
    flags = [*SMALL, "--epochs=7", "--batch_size=5", "--save_model_freq=9", "--test_freq=200", "--visualise_freq=400"]
    command = [sys.executable, "tests/killing.py", str(tmp_path), "20", *flags]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.endswith("20 kills\n"), done.stderr[-2000:]
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")
    assert not list((tmp_path / "cut").rglob("*.part"))


@pytest.mark.parametrize("name", ["model/l2/model.npz", "model/l2/training.state.npz", "results/l2/metrics.csv"])
def test_a_folder_in_the_place_of_a_file(name, tmp_path):
    """It is found before the first step."""
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UserError, match=f"{name}: expected a file, or a place for one, got a folder"):
        run(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


class TestOneWriter:
    def test_the_second_is_told_who_is_first(self, tmp_path):
        code = "import sys, time; from config.system.lock import only_writer\n"
        code += "with only_writer(sys.argv[1]): print('held', flush=True); time.sleep(60)"
        first = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=f"process {first.pid} is training into it"), only_writer(tmp_path):
            pass
        first.kill()
        first.wait()
        with only_writer(tmp_path):
            assert (tmp_path / "training.lock").read_text() == str(os.getpid())

    def test_the_lock_goes_with_its_holder(self, tmp_path):
        with only_writer(tmp_path), in_turn(tmp_path):
            assert {path.name for path in tmp_path.iterdir()} == {"training.lock", "change.lock"}
        assert not list(tmp_path.iterdir())
        with pytest.raises(ZeroDivisionError), only_writer(tmp_path):
            raise ZeroDivisionError
        assert not list(tmp_path.iterdir())

    def test_one_at_a_time_though_the_lock_goes(self, tmp_path):
        """Sixty changes by six processes, each of which reads a number, waits and writes one more."""
        code = "import sys, time; from pathlib import Path; from config.system.lock import in_turn\n"
        code += "for _ in range(10):\n    with in_turn(sys.argv[1]):\n        path = Path(sys.argv[1], 'count')\n"
        code += "        count = int(path.read_text()); time.sleep(0.002); path.write_text(str(count + 1))"
        (tmp_path / "count").write_text("0")
        command = [sys.executable, "-c", code, str(tmp_path)]
        writers = [subprocess.Popen(command, cwd=ROOT) for _ in range(6)]
        assert [writer.wait(30) for writer in writers] == [0] * 6
        assert (tmp_path / "count").read_text() == "60"

    def test_what_a_killed_process_left_half_written_is_removed(self, tmp_path):
        (tmp_path / ".model.npz.x.part").write_bytes(b"half")
        with only_writer(tmp_path):
            assert not (tmp_path / ".model.npz.x.part").exists()


class TestFullDisk:
    @pytest.fixture
    def small_disk(self, tmp_path):
        """A file system of 400 KB."""
        if shutil.which("mount") is None or os.geteuid() != 0:
            pytest.skip("mounting is not allowed here")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", tmp_path], check=False)
        if done.returncode:
            pytest.skip("mounting is not allowed here")
        yield tmp_path
        subprocess.run(["umount", "-l", tmp_path], check=True)

    def test_what_was_saved_stays(self, small_disk):
        path = small_disk / "model.npz"
        write_atomically(path, b"1" * 250_000)
        with pytest.raises(UserError, match="No space left on device; what stood there is unchanged"):
            write_atomically(path, b"2" * 250_000)
        assert path.read_bytes() == b"1" * 250_000
        assert list(small_disk.iterdir()) == [path]

    @pytest.mark.slow
    def test_a_training_that_fills_the_disk_keeps_its_last_checkpoint(self, tmp_path, monkeypatch):
        """From the 20th write on, every one fails."""
        real, count = os.fsync, iter(range(1000))

        def fsync(descriptor):
            if next(count) >= 20:
                raise OSError(28, "No space left on device")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(UserError, match="No space left on device"):
            run(tmp_path, "--epochs=4")
        monkeypatch.setattr(os, "fsync", real)
        train.main(["--resume", "--tag=l2", *folders(tmp_path)])
        run(tmp_path / "whole", "--epochs=4")
        assert outcome(tmp_path) == outcome(tmp_path / "whole")


class Fragile(losses.L2):
    """L2, but not a number for images of more than 165 lit pixels."""

    def distance(self, image, reconstruction):
        lit = tf.reduce_sum(image, [1, 2, 3])
        return super().distance(image, reconstruction) * tf.where(lit > 165, float("nan"), 1.0)


@pytest.mark.slow
def test_numbers_that_go_wrong(tmp_path, monkeypatch, capsys):
    """Training stops, the last checkpoint stays, and the record shows the step again."""
    monkeypatch.setitem(losses.TERMS, "l2", losses.Term(Fragile))
    with pytest.raises(UserError, match="not finite") as refusal:
        run(tmp_path, "--epochs=3", "--save_model_freq=1", "--seed=5")
    step = int(re.search(r"step (\d+)", str(refusal.value))[1])
    record = tmp_path / "model/l2/failed_step.npz"
    capsys.readouterr()
    train.main([f"--replay={record}"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"step {step}\n")
    assert re.search(r"^l2 +nan$", shown, re.M)
    assert re.search(r"^kl_divergence +[0-9.e-]+$", shown, re.M)
    tensors, manifest = checkpoint.read(record)
    assert (tensors["batch"].sum((1, 2, 3)) > 165).any()
    assert manifest["step"] == step
    if step:
        saved, _ = checkpoint.read(tmp_path / "model/l2/training.state.npz")
        assert all(np.isfinite(value).all() for value in saved.values())
        np.testing.assert_array_equal(saved["decoder/dense/kernel"], tensors["decoder/dense/kernel"])


class TestAuthorsCheckpoints:
    """A checkpoint in TensorFlow's format, with the author's attribute names, written here."""

    @pytest.fixture(scope="class")
    def shapes(self):
        model = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))
        return {name: variable.shape for name, variable in model_names(model).items()}

    @pytest.fixture
    def prefix(self, tmp_path, shapes):
        generator = np.random.default_rng(1)
        values = {name: generator.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
        return self.write(tmp_path / "published" / "0.1_0.9_0.0015_16_4", values), values

    @staticmethod
    def write(prefix, values):
        root = tf.train.Checkpoint()
        for name, value in values.items():
            *parts, last = name.split("/")
            node = root
            for part in parts:
                if not hasattr(node, part):
                    setattr(node, part, tf.train.Checkpoint())
                node = getattr(node, part)
            setattr(node, last, tf.Variable(value))
        root.write(str(prefix))
        return prefix

    def test_every_tensor_finds_its_place(self, prefix):
        path, values = prefix
        model, manifest = checkpoint.load_model(path)
        assert manifest["output_space"] == "linear"
        assert len(values) == 14
        layers = [layer for part in (model.encoder, model.decoder) for layer in part.layers if layer.weights]
        order = [f"encoder/layer_with_weights-{i}" for i in range(3)]
        order += [f"decoder/layer_with_weights-{i}" for i in range(4)]
        for layer, name in zip(layers, order, strict=True):
            np.testing.assert_array_equal(layer.kernel, values[f"{name}/kernel"])
            np.testing.assert_array_equal(layer.bias, values[f"{name}/bias"])

    def test_samples_of_it(self, prefix, tmp_path):
        path, _ = prefix
        generate.main([f"--checkpoint={path}", f"--out_dir={tmp_path}"])
        assert (tmp_path / path.name / "gen_samples.png").exists()

    @pytest.mark.slow
    def test_the_table_takes_it(self, prefix, tmp_path, capsys):
        path, _ = prefix
        evaluate.main([f"--checkpoint={path}", "--loss=ours", "--split=held-out", f"--out_dir={tmp_path}"])
        assert "| STFT+SSIM (paper) |" in capsys.readouterr().out

    @pytest.mark.slow
    def test_training_starts_from_it(self, prefix, tmp_path):
        path, values = prefix
        for file in path.parent.glob(f"{path.name}.*"):
            shutil.copy(file, tmp_path / f"seed0{file.suffix}")
        run(tmp_path, f"--init_from={tmp_path}/seed{{seed}}", "--epochs=1", "--min_lr=1e-9", "--max_lr=1e-9")
        tensors, _ = checkpoint.read(tmp_path / "model/l2/model.npz")
        np.testing.assert_allclose(
            tensors["decoder/dense/kernel"], values["decoder/layer_with_weights-0/kernel"], atol=1e-6
        )

    @pytest.mark.parametrize("change,message", [
        (lambda v: v.pop("encoder/layer_with_weights-1/bias"), "missing tensors: encoder/layer_with_weights-1/bias"),
        (lambda v: v.update({"encoder/extra/bias": np.zeros(1)}), "tensors that do not belong: encoder/extra/bias"),
        (lambda v: v.update({"encoder/layer_with_weights-1/bias": np.zeros(3, np.float32)}), "expected .*64.*got .*3"),
        (lambda v: v.pop("decoder/layer_with_weights-0/kernel"), "expected decoder/layer_with_weights-0/kernel"),
    ])  # fmt: skip
    def test_strictly(self, prefix, tmp_path, change, message):
        _, values = prefix
        change(values)
        with pytest.raises(UserError, match=message):
            checkpoint.load_model(self.write(tmp_path / "changed", values))

    def test_damage(self, prefix):
        path, _ = prefix
        index = Path(f"{path}.index")
        index.write_bytes(index.read_bytes()[:50])
        with pytest.raises(UserError, match="expected a TensorFlow checkpoint"):
            checkpoint.load_model(path)


def model_names(model):
    """The author's names, written out: three layers with weights in the encoder, four in the decoder."""
    found = {}
    for part, count in (("encoder", 3), ("decoder", 4)):
        layers = [layer for layer in getattr(model, part).layers if layer.weights]
        assert len(layers) == count
        for i, layer in enumerate(layers):
            found[f"{part}/layer_with_weights-{i}/kernel"] = layer.kernel
            found[f"{part}/layer_with_weights-{i}/bias"] = layer.bias
    return found

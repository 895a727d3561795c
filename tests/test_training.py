"""Training: the schedule, determinism, interruption and resumption, what is written."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import config
import train
from config.system.errors import UserError
from models import checkpoint
from training import callbacks, loop, state
from training.cyclical import CyclicalLearningRate

SMALL = ["--train_size=230", "--batch_size=20", "--test_size=50", "--monitor_size=20", "--loss=l2", "--log_freq=5"]
SMALL += ["--test_freq=20", "--save_model_freq=7", "--visualise_freq=60"]


def folders(path):
    return [f"--{name}_dir={path / name}" for name in ("model", "results", "logs")]


def run(path, *flags):
    train.main([*SMALL, *folders(path), *flags])


def outcome(path, tag="l2"):
    """Every weight's bytes and the CSV: equal where every bit of both is."""
    tensors, _ = checkpoint.read(path / "model" / tag / "model.npz")
    return {name: t.tobytes() for name, t in tensors.items()}, (path / "results" / tag / "metrics.csv").read_text()


class TestSchedule:
    """Against Smith's published formula, in numpy."""

    @staticmethod
    def formula(step, low, high, size, scale):
        cycle = np.floor(1 + step / (2 * size))
        x = np.abs(step / size - 2 * cycle + 1)
        return low + (high - low) * np.maximum(0, 1 - x) * scale(cycle, step)

    @pytest.mark.parametrize(
        "mode,scale",
        [
            ("triangular", lambda cycle, step: 1),
            ("triangular2", lambda cycle, step: 1 / 2 ** (cycle - 1)),
            ("exp_range", lambda cycle, step: 0.999**step),
        ],
    )
    def test_modes(self, mode, scale):
        schedule = CyclicalLearningRate(1e-4, 1e-3, 200, mode, gamma=0.999)
        steps = np.arange(0, 1700, 7)
        np.testing.assert_allclose(schedule(steps), self.formula(steps, 1e-4, 1e-3, 200, scale), rtol=1e-4)

    def test_serialises(self):
        schedule = CyclicalLearningRate(1e-5, 1e-2, 30, "exp_range", 0.99)
        again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
        assert float(again(17)) == float(schedule(17))

    def test_unknown_mode(self):
        with pytest.raises(ValueError, match="mode: expected one of triangular"):
            CyclicalLearningRate(mode="square")


class TestPreparation:
    @pytest.mark.parametrize("images,epochs,half", [(230, 3, 18), (230, 1, 6), (100, 1, 2), (20, 1, 1)])
    def test_half_a_cycle_of_0_is_half_of_all_steps(self, images, epochs, half):
        """In batches of 20: of 3·12, 12 and 5 steps. A single step has a cycle too."""
        given = {"lr_step_size": 0, "train_size": images, "batch_size": 20, "epochs": epochs}
        assert loop.prepare(config.resolve(given))[0].lr_step_size == half

    def test_zeros_become_numbers(self):
        """All images; of 60,000, or of the 50,000 that are not held out."""
        for split, count in (("test", 60_000), ("held-out", 50_000)):
            settings, images, test_images = loop.prepare(config.resolve({"test_split": split}))
            assert (settings.train_size, settings.test_size) == (len(images), len(test_images)) == (count, 10_000)


class TestContinuation:
    """What may change between a run and its continuation."""

    @pytest.fixture
    def path(self, tmp_path):
        """The state of an unfinished run."""
        settings = config.resolve({"loss": "l2", "init_from": "a.npz", "data_dir": "here", "lr_step_size": 18})
        facts = {"config": vars(settings), "defaults": config.defaults(), "finished": False, "rows": []}
        checkpoint.write(tmp_path / "l2/training.state.npz", {}, **facts, latest={}, scored=0)
        return tmp_path / "l2/training.state.npz"

    def test_it_began_from_one_checkpoint(self, path):
        with pytest.raises(UserError, match=r"expected the settings of .* got init_from a\.npz there, b\.npz here"):
            state.resumed(path, {"init_from": "b.npz"})
        assert state.resumed(path, {"init_from": "a.npz"}).init_from == "a.npz"

    def test_it_and_its_data_may_move(self, path):
        found = state.resumed(path, {"data_dir": "there", "results_dir": "elsewhere", "epochs": 60})
        assert (found.init_from, found.data_dir, found.results_dir) == ("a.npz", "there", "elsewhere")
        assert (found.model_dir, found.tag, found.epochs) == (str(path.parent.parent), "l2", 60)

    def test_it_keeps_half_a_cycle(self, path):
        """Which more epochs would make longer, and which a 0 stands for as well as no flag."""
        for given in ({"epochs": 60}, {"epochs": 60, "lr_step_size": 0}):
            assert state.resumed(path, given).lr_step_size == 18
        with pytest.raises(UserError, match="got lr_step_size 18 there, 20 here"):
            state.resumed(path, {"epochs": 60, "lr_step_size": 20})


class TestCalls:
    """Many steps in one call."""

    @pytest.mark.parametrize("seconds,ends", [(0, [*range(1, 9)]), (1000, [1, 4, 8])])
    def test_where_a_call_ends(self, seconds, ends, monkeypatch):
        """After about so many seconds, and at the end of an epoch, here of four steps."""
        taken = []
        monkeypatch.setattr(loop, "SECONDS_A_CALL", seconds)
        monkeypatch.setattr(loop, "steps_in_one_call", lambda model: lambda batch, count: taken.append(count) or count)
        settings = config.resolve({"train_size": 40, "batch_size": 10, "epochs": 2, "loss": "l2"})
        images, model = np.zeros((40, 28, 28, 1), np.uint8), keras.Model()
        assert [*loop.steps_taken(settings, model, images, 0, (), None)] == ends
        assert np.cumsum(taken).tolist() == ends

    @pytest.mark.parametrize("count,taken", [(2, 2), (5, 3)])
    def test_a_refused_step_ends_it(self, count, taken):
        class Model:
            def step(self, batch):
                return batch < 3

        assert loop.steps_in_one_call(Model())(iter(tf.data.Dataset.range(9)), count) == taken


def test_the_time_left_of_a_resumed_run(monkeypatch, capsys):
    """Of 12 epochs, 4 were taken earlier and 2 now, in 60 seconds: 6 are left."""
    monkeypatch.setattr(callbacks.devices, "is_chief", lambda model: True)
    settings = config.resolve({"train_size": 40, "batch_size": 10, "epochs": 12, "loss": "l2"})
    monitor, log = SimpleNamespace(latest={}), SimpleNamespace(rows=[{"loss": 0.5}])
    bar = callbacks.ProgressBar(16, settings, None, monitor, log)
    bar.begun = time.monotonic() - 60
    bar.say(24)
    assert capsys.readouterr().err == "epoch 6/12: loss 0.5; 01:00 gone, 03:00 left\n"


@pytest.mark.slow
class TestRuns:
    def test_the_same_seed_gives_the_same_bits(self, tmp_path):
        for name, seed in (("a", 3), ("b", 3), ("c", 4)):
            run(tmp_path / name, f"--seed={seed}", "--epochs=2")
        assert outcome(tmp_path / "a") == outcome(tmp_path / "b")
        assert outcome(tmp_path / "a") != outcome(tmp_path / "c")

    def test_what_is_written(self, tmp_path, capsys):
        run(tmp_path, "--epochs=2")
        rows = list(csv.DictReader((tmp_path / "results/l2/metrics.csv").open()))
        # 12 steps an epoch: every fifth and the last of each epoch
        assert [int(row["step"]) for row in rows] == [5, 10, 12, 15, 20, 24]
        assert float(rows[-1]["learning_rate"]) == pytest.approx(1e-4 + 9e-4 * 24 / 2000, rel=1e-5)
        # measured every twentieth and at the end of each epoch: in the rows since then and in no other
        assert [bool(row["test_psnr"]) for row in rows] == [False, False, True, False, True, True]
        assert (tmp_path / "results/l2/samples.png").exists()
        assert any((tmp_path / "logs/l2").glob("events*"))
        said = capsys.readouterr()
        first, *_ = said.out.splitlines()
        assert first.startswith("settings   train_size=230 test_size=50 batch_size=20 epochs=2 log_freq=5")
        assert "on 50 test images" in said.out
        # without a terminal, a line for each epoch, with what its row of the log has
        epochs = [line for line in said.err.splitlines() if line.startswith("epoch")]
        for line, row, left in zip(epochs, (rows[2], rows[-1]), (True, False), strict=True):
            loss, psnr = (f"{float(row[name]):.4g}" for name in ("loss", "test_psnr"))
            assert f": loss {loss}, test_psnr {psnr}, " in line
            assert line.endswith(" gone, 00:00 left") or left
        model, manifest = checkpoint.load_model(tmp_path / "model/l2/model.npz")
        assert manifest["config"]["epochs"] == 2
        assert model.count_params() == 69_989

    def test_the_same_bits_whether_a_call_takes_one_step_or_many(self, tmp_path, monkeypatch):
        for name, seconds in (("one", 0), ("many", 1000)):
            monkeypatch.setattr(loop, "SECONDS_A_CALL", seconds)
            run(tmp_path / name, "--epochs=2")
        assert outcome(tmp_path / "one") == outcome(tmp_path / "many")

    def test_a_run_begun_anew_keeps_the_finished_one(self, tmp_path):
        run(tmp_path, "--epochs=1")
        first = (tmp_path / "model/l2/model.npz").read_bytes()
        run(tmp_path, "--epochs=1", "--seed=9")
        assert (tmp_path / "model/l2/model.previous.npz").read_bytes() == first
        assert len([*(tmp_path / "logs/l2").glob("events*")]) == 1

    def test_a_finished_run_resumed_has_its_weights_again(self, tmp_path):
        """As after a kill between the last state and the last weights."""
        run(tmp_path, "--epochs=1")
        before = outcome(tmp_path)
        (tmp_path / "model/l2/model.npz").unlink()
        run(tmp_path, "--epochs=1", "--resume")
        assert outcome(tmp_path) == before

    def test_an_edited_yaml_is_refused_as_a_flag_would_be(self, tmp_path, defaults_in):
        run(tmp_path, "--epochs=1")
        for path in config.FOLDER.glob("*_config.yml"):
            (tmp_path / path.name).write_text(path.read_text().replace("beta: 0.005", "beta: 0.5"))
        defaults_in(tmp_path)
        with pytest.raises(UserError, match=r"got beta 0\.005 there, 0\.5 here"):
            train.main(["--resume", "--tag=l2", *folders(tmp_path)])

    def test_a_moved_and_renamed_run_goes_on_where_it_is(self, tmp_path):
        run(tmp_path / "old", "--epochs=1")
        shutil.copytree(tmp_path / "old/model/l2", tmp_path / "new/model/mine")
        train.main(["--resume", "--tag=mine", "--epochs=2", *folders(tmp_path / "new")])
        run(tmp_path / "whole", "--epochs=2")
        assert outcome(tmp_path / "new", "mine") == outcome(tmp_path / "whole")

    def test_more_epochs_go_on_from_a_finished_run(self, tmp_path):
        run(tmp_path / "a", "--epochs=1")
        run(tmp_path / "a", "--epochs=3", "--resume")
        run(tmp_path / "b", "--epochs=3")
        assert outcome(tmp_path / "a") == outcome(tmp_path / "b")

    @pytest.mark.parametrize("loss", ["l1", "bce", "ssim", "dft+ssim", "ours", "ours-released"])
    def test_every_loss_trains(self, tmp_path, loss):
        run(tmp_path, f"--loss={loss}", "--epochs=1", "--train_size=40")
        assert checkpoint.load_model(tmp_path / "model" / loss / "model.npz")[0].reconstruction_loss.label == loss

    @pytest.fixture(scope="class")
    def whole(self, tmp_path_factory):
        """What ten epochs without interruption end in."""
        folder = tmp_path_factory.mktemp("whole")
        run(folder, "--epochs=10")
        return outcome(folder)

    def test_an_interrupted_run_goes_on_to_the_same_bits(self, tmp_path, whole):
        """By Ctrl-C; tests/test_sweep.py interrupts with SIGTERM."""
        command = [sys.executable, "train.py", *SMALL, *folders(tmp_path / "cut"), "--epochs=10"]
        state = tmp_path / "cut/model/l2/training.state.npz"
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not state.exists() and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        assert "--resume continues" in process.communicate()[1]
        assert process.returncode == 130
        steps = int(checkpoint.read(state)[0]["optimizer/00"])
        assert 0 < steps < 120
        with pytest.raises(UserError, match="holds an unfinished run of 10 epochs"):
            run(tmp_path / "cut", "--epochs=10")
        with pytest.raises(UserError, match=r"got beta 0\.005 there, 1\.0 here"):
            run(tmp_path / "cut", "--resume", "--beta=1")
        train.main(["--resume", "--tag=l2", *folders(tmp_path / "cut")])
        assert outcome(tmp_path / "cut") == whole


@pytest.mark.slow
@pytest.mark.parametrize("chosen,threads", [({}, [0, 1]), ({"TF_NUM_INTRAOP_THREADS": "3"}, [0, 0])])
def test_batches_of_few_pixels_have_one_thread(chosen, threads):
    """A number that the user has chosen stays (0: as the environment or the machine says); so does one in use."""
    code = """
from config.system.runtime import import_tensorflow, use_threads_for
import_tensorflow()
import tensorflow as tf
for pixels in (50 * 28 * 28, 5 * 28 * 28):
    use_threads_for(pixels)
    print(tf.config.threading.get_intra_op_parallelism_threads())
tf.zeros([])
use_threads_for(1)
"""
    environment = {name: value for name, value in os.environ.items() if name != "TF_NUM_INTRAOP_THREADS"} | chosen
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert [int(line) for line in done.stdout.split()] == threads


def test_epochs_of_a_chain_of_checkpoints(tmp_path):
    """Short last batches count as steps; what was trained over the checkpoint it began from has lost count."""
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    made = {"train_size": 20, "batch_size": 8, "seed": 7, "init_from": ""}
    checkpoint.write(first, {}, config=made, step=6)
    then = {"config": made | {"init_from": f"{tmp_path}/first.npz", "batch_size": 50}, "step": 3}
    assert checkpoint.epochs(then) == 2 + 3
    checkpoint.write(second, {}, config=made | {"init_from": str(second)}, step=3)
    assert checkpoint.epochs(checkpoint.read(second)[1]) is None

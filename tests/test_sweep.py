"""Sweeps: which runs they are, that each is trained once, and the table of runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from unittest.mock import Mock

import numpy as np
import pytest
from test_training import SMALL, folders

import config
import data
import train
from config.system.errors import UserError
from data.picture_folder import Folder
from evaluation.scoring import score
from models import checkpoint, runs
from training import sweep

ROOT = Path(__file__).parent.parent


class TestCombinations:
    def test_tags_name_what_is_not_the_default(self):
        given = vars(train.parse(["--loss=l1,ours", "--seed=0,7", "--beta=0.005,0.1", "--epochs=3"]))
        found = sweep.combinations({key: value for key, value in given.items() if key in config.defaults()})
        assert [run["tag"] for run in found] == [
            f"{loss}{seed}{beta}" for loss in ("l1", "ours") for seed in ("", "_seed7") for beta in ("", "_beta0.1")
        ]
        assert {(run["loss"], run["seed"], run["beta"], run["epochs"]) for run in found} == {
            (loss, seed, beta, 3) for loss in ("l1", "ours") for seed in (0, 7) for beta in (0.005, 0.1)
        }

    @pytest.mark.parametrize("given,message", [
        ({"seed": [1, 1]}, "expected every run once, got two of the tag ours_seed1"),
        ({"tag": ["a", "b"]}, "tag: expected one name, which every run's begins with, got a, b"),
    ])  # fmt: skip
    def test_no_two_runs_of_one_tag(self, given, message):
        with pytest.raises(UserError, match=message):
            sweep.combinations(given)

    def test_a_given_tag_comes_first(self):
        assert [run["tag"] for run in sweep.combinations({"tag": "x", "stft_s": [2, 4]})] == ["x_stft_s2", "x"]
        assert [run["tag"] for run in sweep.combinations({"tag": "x", "loss": ["l1", "l2"]})] == ["x_l1", "x_l2"]

    def test_a_model_is_named_by_its_loss(self):
        found = sweep.combinations({"model": ["vae", "blur_error_vae"], "seed": [0, 1]})
        assert [run["tag"] for run in found] == ["ours", "ours_seed1", "blur_error_vae", "blur_error_vae_seed1"]
        found = sweep.combinations({"model": "blur_error_vae", "tag": "x", "beta": [1.0, 2.0]})
        assert [run["tag"] for run in found] == ["x_beta1.0", "x_beta2.0"]

    @pytest.mark.parametrize("flag,message", [
        ("--seed=0,x", "--seed: expected a whole number from 0, got 'x'"),
        ("--seed=0,-1", "--seed: expected a whole number from 0, got '-1'"),
        ("--jobs=0", "--jobs: expected a whole number from 1 to 256, got '0'"),
    ])  # fmt: skip
    def test_refusals(self, flag, message):
        with pytest.raises(UserError, match=message):
            train.parse([flag])

    def test_a_comma_at_the_end_and_commas_in_free_text_make_no_list(self):
        found = train.parse(["--loss=ssim,", "--data_dir=a,b"])
        assert (found.loss, found.data_dir) == ("ssim", "a,b")

    def test_an_impossible_combination_is_refused_before_any_training(self, tmp_path):
        with pytest.raises(UserError, match="got 'l7'"):
            train.main([*SMALL, *folders(tmp_path), "--loss=l2,l7"])
        assert not list(tmp_path.rglob("*.npz"))

    def test_a_missing_beginning_is_found_before_any_training(self, tmp_path):
        with pytest.raises(UserError, match="start_seed1"):
            train.main([*SMALL, *folders(tmp_path), "--seed=1,2", "--init_from=checkpoints/start_seed{seed}/none.npz"])
        with pytest.raises(UserError, match="start_seed9"):
            begun = "--init_from=checkpoints/start_seed{seed}/model.npz"
            train.main([*SMALL, *folders(tmp_path), "--loss=l2", "--seed=1,9", begun])
        assert not list(tmp_path.rglob("*.npz"))


class TestWhatIsTrained:
    """Which runs of a sweep are left as they are, and how the others are begun."""

    @staticmethod
    def finish(**given):
        """A finished run of 5 steps, without its weights."""
        settings = config.resolve({"loss": "l2", "train_size": 100, "batch_size": 20, "epochs": 1} | given)
        checkpoint.write(runs.files(settings).model, {}, config=vars(settings), step=5)
        return settings

    @pytest.mark.parametrize("change,finished", [
        ({}, True),
        ({"num_samples": 4}, True),
        ({"data_dir": "b"}, True),
        ({"beta": 0.1}, False),
        ({"init_from": "b.npz"}, False),
    ])  # fmt: skip
    def test_a_run_with_other_settings_is_not_finished(self, tmp_path, change, finished):
        settings = self.finish(model_dir=str(tmp_path), init_from="a.npz", data_dir="a")
        assert runs.is_finished(config.resolve(vars(settings) | change)) is finished

    @pytest.mark.parametrize("dataset", [name for name, one in data.DATASETS.items() if isinstance(one, Folder)])
    def test_nor_is_one_of_other_pictures(self, tmp_path, dataset):
        settings = self.finish(model_dir=str(tmp_path), dataset=dataset, data_dir="a")
        for folder, finished in (("a", True), ("a/", True), (str(Path("a").resolve()), True), ("b", False)):
            assert runs.is_finished(config.resolve(vars(settings) | {"data_dir": folder})) is finished

    @pytest.mark.parametrize("flags,begun", [
        ([], {"l2": ["--resume"], "l2_seed1": []}),
        (["--overwrite"], {"l2": ["--overwrite"], "l2_seed1": ["--overwrite"]}),
        (["--overwrite", "--resume"], {"l2": ["--resume"], "l2_seed1": []}),
    ])  # fmt: skip
    def test_an_unfinished_run_goes_on_or_begins_anew(self, tmp_path, monkeypatch, flags, begun):
        facts = {"config": {}, "defaults": {}, "finished": False, "rows": [], "latest": {}}
        checkpoint.write(tmp_path / "model/l2/training.state.npz", {}, **facts)
        start = Mock(return_value=Mock(returncode=0))
        monkeypatch.setattr(subprocess, "Popen", start)
        train.main([*SMALL, *folders(tmp_path), "--seed=0,1", *flags])
        commands = [call.args[0] for call in start.call_args_list]
        how = {"--resume", "--overwrite"}
        found = {tag: [w for w in words if w in how] for tag in begun for words in commands if f"--tag={tag}" in words}
        assert found == begun

    def test_jobs_are_for_a_sweep(self):
        with pytest.raises(UserError, match="--jobs: expected with several values of a key, a sweep, got it with a"):
            train.main(["--jobs=2", "--model_dir=/dev/null/x"])


class TestTable:
    QUALITY = MappingProxyType({"psnr": np.array([10.0, 12.0]), "ssim": np.array([0.25, 0.75])})

    def test_a_row_a_tag(self, tmp_path):
        for tag, seed in (("b", 1), ("a", 2), ("b", 3)):
            runs.record(config.resolve({"tag": tag, "seed": seed, "results_dir": str(tmp_path)}), self.QUALITY)
        found = runs.read(tmp_path / "runs.csv")
        assert [(row["tag"], row["seed"], row["psnr"], row["ssim"]) for row in found] == [
            ("a", "2", "11.000000", "0.500000"),
            ("b", "3", "11.000000", "0.500000"),
        ]

    def test_no_table(self, tmp_path):
        assert runs.read(tmp_path / "runs.csv") == []
        with pytest.raises(UserError, match="expected a table of runs"):
            runs.read(tmp_path)

    @pytest.mark.parametrize("text", ["loss,seed\nl2,0\n", "tag,loss\na,l2,7\n"])
    def test_what_takes_no_row_is_refused_before_any_training(self, tmp_path, text):
        (tmp_path / "results").mkdir()
        (tmp_path / "results/runs.csv").write_text(text)
        with pytest.raises(UserError, match="expected a table of runs with a tag each"):
            train.main([*SMALL, *folders(tmp_path)])
        assert (tmp_path / "results/runs.csv").read_text() == text
        assert not list(tmp_path.rglob("*.npz"))

    def test_a_row_of_a_younger_program_is_kept(self, tmp_path):
        (tmp_path / "runs.csv").write_text("tag,colour\na,blue\n")
        runs.record(config.resolve({"tag": "b", "results_dir": str(tmp_path)}), self.QUALITY)
        old, new = runs.read(tmp_path / "runs.csv")
        assert (old["colour"], new["colour"], new["psnr"]) == ("blue", "", "11.000000")


@pytest.mark.slow
class TestRuns:
    FLAGS = (*SMALL, "--epochs=2", "--seed=0,1")

    def test_trained_once_and_in_the_table(self, tmp_path):
        command = [sys.executable, "train.py", *self.FLAGS, *folders(tmp_path), "--jobs=2"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        rows = runs.read(tmp_path / "results/runs.csv")
        assert [(row["tag"], row["seed"], row["epochs"], row["test_size"]) for row in rows] == [
            ("l2", "0", "2", "50"),
            ("l2_seed1", "1", "2", "50"),
        ]
        for row in rows:
            model, _ = checkpoint.load_model(tmp_path / "model" / row["tag"] / "model.npz")

            scores = score(model, data.load("mnist", "test").images[:50])
            assert float(row["psnr"]) == pytest.approx(scores["psnr"].mean(), abs=1e-3)

        made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.npz")}
        (tmp_path / "results/runs.csv").unlink()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.npz")} == made
        assert len(made) == 2
        again = runs.read(tmp_path / "results/runs.csv")
        assert [(row["tag"], row["psnr"][:6]) for row in again] == [(row["tag"], row["psnr"][:6]) for row in rows]

    @pytest.mark.parametrize("stop", [
        lambda process: os.killpg(process.pid, signal.SIGINT),
        lambda process: process.terminate(),
    ], ids=["Ctrl-C", "SIGTERM"])  # fmt: skip
    def test_interrupted_it_goes_on(self, tmp_path, stop):
        flags = [*SMALL, "--epochs=4", "--seed=0,1"]
        command = [sys.executable, "train.py", *flags, *folders(tmp_path)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
        state = tmp_path / "model/l2/training.state.npz"
        while not state.exists() and process.poll() is None:
            pass
        stop(process)
        assert process.communicate()[1].endswith(
            "interrupted: the runs under way are saved; the same command goes on\n"
        )
        assert process.returncode == 130
        assert not (tmp_path / "model/l2_seed1/model.npz").exists()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        assert [row["tag"] for row in runs.read(tmp_path / "results/runs.csv")] == ["l2", "l2_seed1"]

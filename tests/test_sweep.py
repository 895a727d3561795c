"""Sweeps: which runs they are, that each is trained once, and the table of runs."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from unittest.mock import Mock

import numpy as np
import pytest
from test_training import SMALL, folders, outcome

import config
import data
import models
import train
from config.sweep import combinations, stages
from config.system.errors import UserError
from evaluation.scoring import score
from models import checkpoint, runs

ROOT = Path(__file__).parent.parent


class TestCombinations:
    def test_tags_name_what_is_not_the_default(self):
        given = vars(train.parse(["--loss=l1,ours", "--seed=0,7", "--beta=0.005,0.1", "--epochs=3"]))
        found = combinations({key: value for key, value in given.items() if key in config.defaults()})
        assert [run["tag"] for run in found] == [
            f"{loss}{seed}{beta}" for loss in ("l1", "ours") for seed in ("", "_seed7") for beta in ("", "_beta0.1")
        ]
        assert {(run["loss"], run["seed"], run["beta"], run["epochs"]) for run in found} == {
            (loss, seed, beta, 3) for loss in ("l1", "ours") for seed in (0, 7) for beta in (0.005, 0.1)
        }

    @pytest.mark.parametrize("given,message", [
        ({"seed": [1, 1]}, "expected every run once, got two of the tag ours_seed1"),
        ({"init_from": ["a/b", "c"]}, "sweep: tag: expected a name of letters, .*, got 'ours_init_froma/b'"),
        ({"tag": ["a", "b"]}, "tag: expected one name, with which every run's begins, got a, b"),
    ])  # fmt: skip
    def test_no_two_runs_of_one_tag(self, given, message):
        with pytest.raises(UserError, match=message):
            combinations(given)

    def test_a_given_tag_comes_first(self):
        assert [run["tag"] for run in combinations({"tag": "x", "stft_s": [2, 4]})] == ["x_stft_s2", "x"]
        assert [run["tag"] for run in combinations({"tag": "x", "loss": ["l1", "l2"]})] == ["x_l1", "x_l2"]

    def test_a_key_is_left_out_of_a_run_that_does_not_read_it(self):
        assert combinations({"loss": ["l2", "ours"], "stft_f": 8}) == [
            {"loss": "l2", "tag": "l2"},
            {"loss": "ours", "stft_f": 8, "tag": "ours"},
        ]
        with pytest.raises(UserError, match=r"stft_f: expected only with loss .*, got loss l2, ssim"):
            stages([{"loss": ["l2", "ssim"], "stft_f": 8}])

    def test_a_key_of_several_stages_is_read_in_one_of_them(self):
        found = stages([{"loss": "l2", "stft_f": 8, "tag": "first"}, {"loss": "ours", "stft_f": 8}])
        assert found == [[{"loss": "l2", "tag": "first"}], [{"loss": "ours", "stft_f": 8, "tag": "ours"}]]
        with pytest.raises(UserError, match=r"stft_f: expected only with loss .*, got loss l2"):
            stages([{"loss": "l2", "stft_f": 8}, {"loss": "ours", "stft_f": 4}])

    def test_a_model_is_named_by_its_loss(self):
        found = combinations({"model": ["vae", "blur_error_vae"], "seed": [0, 1]})
        assert [run["tag"] for run in found] == ["ours", "ours_seed1", "blur_error_vae", "blur_error_vae_seed1"]
        found = combinations({"model": "blur_error_vae", "tag": "x", "beta": [1.0, 2.0]})
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
        start = "--init_from=checkpoints/two_stage/start_seed{seed}"
        with pytest.raises(UserError, match="start_seed1"):
            train.main([*SMALL, *folders(tmp_path), "--seed=1,2", f"{start}/none.npz"])
        with pytest.raises(UserError, match="start_seed9"):
            train.main([*SMALL, *folders(tmp_path), "--seed=1,9", f"{start}/model.npz"])
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
        assert runs.is_finished(replace(settings, **change)) is finished

    @pytest.mark.parametrize("dataset,is_any_folder", [
        ("image_folder", True),
        ("cartoons", True),
        ("celeba", False),
        ("cifar10", False),
    ])  # fmt: skip
    def test_nor_is_one_of_other_pictures(self, tmp_path, dataset, is_any_folder):
        """Of a folder of any pictures; the images of a published data set are the same wherever they are."""
        settings = self.finish(model_dir=str(tmp_path), dataset=dataset, data_dir="a")
        same = {"a": True, "a/": True, str(Path("a").resolve()): True, "b": not is_any_folder}
        for folder, finished in same.items():
            assert runs.is_finished(replace(settings, data_dir=folder)) is finished

    @pytest.mark.parametrize("change", [{"epochs": 2}, {"train_size": 120}, {"batch_size": 10}])
    def test_nor_is_one_of_another_number_of_steps(self, tmp_path, change):
        assert not runs.is_finished(replace(self.finish(model_dir=str(tmp_path)), **change))

    @pytest.mark.parametrize("flags,begun", [
        ([], {"l2": ["--resume"], "l2_seed1": []}),
        (["--overwrite"], {"l2": ["--overwrite"], "l2_seed1": ["--overwrite"]}),
        (["--overwrite", "--resume"], {"l2": ["--resume"], "l2_seed1": []}),
    ])  # fmt: skip
    def test_an_unfinished_run_goes_on_or_begins_anew(self, tmp_path, monkeypatch, flags, begun):
        facts = {"config": {}, "defaults": {}, "finished": False, "rows": [], "latest": {}, "scored": 0}
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


EXPERIMENT = """
train_size: 230
epochs: 4
seed: [1, 2]
runs:
  - tag: first
    loss: l2
  - tag: second
    loss: [l1, l2]
    init_from: FOLDER/model/first_seed{seed}/model.npz
"""
SECOND = ["second_l1_seed1", "second_l2_seed1", "second_l1_seed2", "second_l2_seed2"]


class TestStages:
    """What stands under `runs` in a file: stages, one after the other."""

    @pytest.fixture
    def path(self, tmp_path):
        (tmp_path / "c.yml").write_text(EXPERIMENT.replace("FOLDER", str(tmp_path)))
        return tmp_path / "c.yml"

    def test_a_list_is_a_sweep_and_flags_come_last(self, path, tmp_path):
        first, second = config.read_experiment(path, {"epochs": 1, "batch_size": 20})
        shared = {"train_size": 230, "epochs": 1, "batch_size": 20, "seed": [1, 2]}
        assert first == shared | {"tag": "first", "loss": "l2"}
        start = f"{tmp_path}/model/first_seed{{seed}}/model.npz"
        assert second == shared | {"tag": "second", "loss": ["l1", "l2"], "init_from": start}
        assert [run["tag"] for run in combinations(first)] == ["first_seed1", "first_seed2"]
        assert [run["tag"] for run in combinations(second)] == SECOND

    def test_a_flag_of_names_selects(self, path):
        """And brings no run in; a block without the key has its default there."""
        path.write_text("runs: [{loss: [l2, ssim], beta: 0.1}, {epochs: 3}]")
        assert config.read_experiment(path, {"loss": "ssim"}) == [{"loss": "ssim", "beta": 0.1}]
        assert config.read_experiment(path, {"loss": "ours", "epochs": 1}) == [{"loss": "ours", "epochs": 1}]
        with pytest.raises(UserError, match=r"loss: expected one of l2, ssim, ours, the runs of .*, got l1"):
            config.read_experiment(path, {"loss": "l1"})
        with pytest.raises(UserError, match=r"loss: expected one of l2, ssim, ours, the runs of .*, got l1"):
            config.read_experiment(path, {"loss": ["l2", "l1"]})

    def test_a_model_without_a_loss_is_not_selected_by_one(self, path):
        path.write_text("runs: [{loss: [l2, ours]}, {model: blur_error_vae}]")
        assert config.read_experiment(path, {"loss": "ours"}) == [{"loss": "ours"}]

    def test_they_are_trained_in_order(self, path, tmp_path, monkeypatch):
        """The second begins from checkpoints that are not there before the first."""
        start = Mock(return_value=Mock(returncode=0))
        monkeypatch.setattr(subprocess, "Popen", start)
        train.main([f"--config={path}", *folders(tmp_path)])
        tags = [word for call in start.call_args_list for word in call.args[0] if str(word).startswith("--tag=")]
        assert tags == [f"--tag={tag}" for tag in ("first_seed1", "first_seed2", *SECOND)]

    def test_a_beginning_that_no_earlier_stage_makes_is_refused(self, path, tmp_path, monkeypatch):
        monkeypatch.setattr(subprocess, "Popen", Mock(side_effect=AssertionError))
        path.write_text(path.read_text().replace("model/first_", "model/third_"))
        with pytest.raises(UserError, match=r"third_seed1/model\.npz: expected a checkpoint"):
            train.main([f"--config={path}", *folders(tmp_path)])

    def test_no_two_runs_of_one_tag(self, path, tmp_path):
        path.write_text("runs: [{loss: l2}, {loss: l1}, {loss: l2, epochs: 3}]")
        with pytest.raises(UserError, match="expected every run once, got two of the tag l2"):
            train.main([f"--config={path}", *folders(tmp_path)])


IMAGES = {"mnist": 60_000, "mnist-gray": 60_000, "cifar10": 50_000}
SHAPES = {"mnist": (28, 28, 1), "mnist-gray": (28, 28, 1), "cifar10": (32, 32, 3), "celeba": (64, 64, 3)}
SHAPES |= {"cartoons": (256, 256, 3)}
TABLES = ("two_stage", "blur_error", "colour", "long_colour", "ablations", "convergence", "printed", "scratch")
UNSHIPPED = ("ablations", "printed", "scratch")
# an experiment: the folder of its shipped checkpoints
SHIPPED = {name: name for name in (*TABLES, "ambient_colour")} | {"shipped": "", "shipped_colour": "", "ambient": ""}


def experiment(name):
    """The complete settings of the runs of an experiment, by tag: the zeros are the numbers they stand for."""
    found = {}
    for stage in config.read_experiment(config.FOLDER / f"experiments/{name}.yml", {}):
        for given in combinations(stage):
            run = config.resolve(given)
            assert run.tag not in found
            size = run.train_size or IMAGES[run.dataset] - 10_000 * (run.test_split == "held-out")
            half = run.lr_step_size or run.epochs * -(-size // run.batch_size) // 2
            found[run.tag] = replace(run, train_size=size, test_size=run.test_size or 10_000, lr_step_size=half)
    return found


class TestExperiments:
    """The files of config/experiments describe the trainings behind the results."""

    @pytest.mark.parametrize("path", (config.FOLDER / "experiments").glob("*.yml"), ids=lambda path: path.stem)
    def test_every_run_can_be_trained(self, path):
        stages = config.read_experiment(path, {})
        every = [config.resolve(given) for stage in stages for given in combinations(stage)]
        kinds = {(run.model, run.loss, run.stft_f, run.measurement, run.pixel_side): run for run in every}
        for settings in kinds.values():
            models.require_fit(settings, SHAPES[settings.dataset])

    @pytest.mark.parametrize("name", TABLES)
    def test_the_runs_of_the_table(self, name):
        found = experiment(name)
        for row in runs.load(ROOT / "results" / name / "runs.csv"):
            assert config.differences(found[row.tag], row, logged=False) == [], row.tag

    @pytest.mark.parametrize("name", SHIPPED)
    def test_the_shipped_checkpoints(self, name):
        """Each is the finished run of the file, which is not trained again."""
        found, count = experiment(name), 0
        for path in (ROOT / "checkpoints" / SHIPPED[name]).glob("*/model.npz"):
            if SHIPPED[name] or path.parent.name in found:
                count += 1
                _, manifest = checkpoint.read(path)
                settings = found[path.parent.name]
                assert config.differences(settings, checkpoint.configuration(manifest)) == [], path
                assert manifest["step"] == config.total_steps(settings)
        assert count or name in UNSHIPPED


def test_a_single_seed_of_an_experiment_keeps_its_tag():
    """The second stage starts from the checkpoint that the first one writes."""
    start, *_ = config.read_experiment(config.FOLDER / "experiments/two_stage.yml", {"seed": 1})
    assert [run["tag"] for run in combinations(start)] == ["start_seed1"]


class TestTable:
    QUALITY = MappingProxyType({"psnr": np.array([10.0, 12.0]), "ssim": np.array([0.25, 0.75])})

    def test_a_row_of_what_is_no_more(self, tmp_path):
        (tmp_path / "runs.csv").write_text(
            "tag,dataset,loss,seed,model_dir,test_split,architecture\na1,mnist,l2,0,checkpoints,test,narrow28\n"
        )
        with pytest.raises(
            UserError, match=r"runs\.csv: a1: architecture: expected one of .*, got 'narrow28'; a row that"
        ):
            runs.load(tmp_path / "runs.csv")

    def test_semicolons(self, tmp_path):
        (tmp_path / "runs.csv").write_text("tag;dataset;loss\na;mnist;l2\n")
        with pytest.raises(UserError, match=r"runs\.csv: expected .* with commas between columns, got semicolons"):
            runs.load(tmp_path / "runs.csv")

    def test_an_empty_cell_is_no_default(self, tmp_path):
        (tmp_path / "runs.csv").write_text("tag,dataset,loss,seed,model_dir,test_split\na1,mnist,,0,checkpoints,test\n")
        with pytest.raises(UserError, match=r"runs\.csv: expected a loss in every row, got one without"):
            runs.load(tmp_path / "runs.csv")

    def test_a_row_a_tag(self, tmp_path):
        for tag, seed in (("b", 1), ("a", 2), ("b", 3)):
            runs.record(config.resolve({"tag": tag, "seed": seed, "results_dir": str(tmp_path)}), self.QUALITY)
        found = runs.read(tmp_path / "runs.csv")
        assert [(row["tag"], row["seed"], row["psnr"], row["ssim"]) for row in found] == [
            ("a", "2", "11.000000", "0.500000"),
            ("b", "3", "11.000000", "0.500000"),
        ]

    def test_a_table_that_a_spreadsheet_saved(self, tmp_path):
        """With a mark before the text, other ends of lines and the columns in another order."""
        runs.record(config.resolve({"tag": "a", "seed": 2, "results_dir": str(tmp_path)}), self.QUALITY)
        rows = [line.split(",")[::-1] for line in (tmp_path / "runs.csv").read_text().splitlines()]
        text = "".join(f"{','.join(row[-1:] + row[:-1])}\r\n" for row in rows)
        (tmp_path / "runs.csv").write_bytes(text.encode("utf-8-sig"))
        assert [(run.tag, run.seed) for run in runs.load(tmp_path / "runs.csv")] == [("a", 2)]
        runs.record(config.resolve({"tag": "b", "results_dir": str(tmp_path)}), self.QUALITY)
        assert [run.tag for run in runs.load(tmp_path / "runs.csv")] == ["a", "b"]

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
        first = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
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
        assert first.stdout.startswith("2 runs, of which 0 are finished\n")
        for tag in ("l2", "l2_seed1"):
            assert f"{tag}: training, with its progress in {tmp_path / 'logs' / tag}/train.log\n" in first.stdout
            assert f"\n{tag}: PSNR " in first.stdout
        (tmp_path / "results/runs.csv").unlink()
        second = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        assert second.stdout == f"2 runs, of which 2 are finished\nruns       {tmp_path / 'results/runs.csv'}\n"
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.npz")} == made
        assert len(made) == 2
        again = runs.read(tmp_path / "results/runs.csv")
        assert [(row["tag"], row["psnr"][:6]) for row in again] == [(row["tag"], row["psnr"][:6]) for row in rows]

    def test_a_stage_begins_with_the_weights_of_an_earlier_one(self, tmp_path):
        """Which a training with almost no learning rate leaves as they are."""
        text = EXPERIMENT.replace("FOLDER", str(tmp_path)).replace("[1, 2]", "[2]")
        (tmp_path / "c.yml").write_text(text.replace("[l1, l2]", "l2\n    min_lr: 1e-9\n    max_lr: 1e-9"))
        flags = [flag for flag in SMALL if not flag.startswith("--loss")]
        train.main([f"--config={tmp_path}/c.yml", *flags, "--epochs=1", *folders(tmp_path)])
        tags = ["first_seed2", "second_seed2"]
        first, second = (checkpoint.read(tmp_path / "model" / tag / "model.npz") for tag in tags)
        for name, tensor in first[0].items():
            np.testing.assert_allclose(tensor, second[0][name], atol=1e-6)
        assert [row["tag"] for row in runs.read(tmp_path / "results/runs.csv")] == tags

    def test_interrupted_it_goes_on(self, tmp_path):
        """By Ctrl-C, which reaches every process, and then by SIGTERM, which reaches the first alone."""
        flags = [*SMALL, "--epochs=8", "--seed=0,1"]
        command = [sys.executable, "train.py", *flags, *folders(tmp_path)]
        state = tmp_path / "model/l2/training.state.npz"
        before = None
        for stop in (lambda process: os.killpg(process.pid, signal.SIGINT), subprocess.Popen.terminate):
            process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
            while process.poll() is None and (not state.exists() or state.stat().st_mtime_ns == before):
                time.sleep(0.02)
            stop(process)
            assert process.communicate()[1].endswith(
                "interrupted: the runs under way are saved; the same command continues\n"
            )
            assert process.returncode == 130
            child = (tmp_path / "logs/l2/train.log").read_text()
            assert child.endswith("the same command with --resume continues\n")
            assert not (tmp_path / "model/l2_seed1/model.npz").exists()
            before = state.stat().st_mtime_ns
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        assert [row["tag"] for row in runs.read(tmp_path / "results/runs.csv")] == ["l2", "l2_seed1"]
        train.main([*SMALL, "--epochs=8", *folders(tmp_path / "whole")])
        assert outcome(tmp_path) == outcome(tmp_path / "whole")

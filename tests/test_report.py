"""The numbers of pages, the tables in results/ and the experiments that make them."""

import csv
import re
import shlex
import statistics
import subprocess
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import config
import evaluate
import losses
from config.sweep import combinations
from config.system.errors import UserError
from evaluation import audit, comparison_table
from evaluation.comparison import Protocol
from evaluation.markdown import display_name
from evaluation.reports import pages
from models import checkpoint, runs

ROOT = Path(__file__).parent.parent
REPORT = (ROOT / "results/REPORT.md").read_text(encoding="utf-8")
TABLES = """Mean.

| loss | seeds | PSNR         |
| ---- | ----: | -----------: |
| l2   |     3 | 12.95 ± 0.01 |
| ours |     1 |        11.94 |

| difference | blur (px)         | PSNR                    |
| ---------- | ----------------- | ----------------------: |
| ours - l2  | -0.2 [-0.3, -0.1] | **-1.01 [-1.04, -0.9]** |
"""


class TestParts:
    @pytest.fixture
    def root(self, tmp_path, monkeypatch):
        """A folder with tables and three documents, the current one."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "results/short").mkdir(parents=True)
        (tmp_path / "results/runs.md").write_text(TABLES)
        (tmp_path / "results/short/l+1.md").write_text("| a |\n| - |\n| b |\n")
        (tmp_path / "README.md").write_text("By <!-- results/runs.md: ours - l2, PSNR -->9<!-- end --> dB.")
        (tmp_path / "results/REPORT.md").write_text("Nothing.")
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs/a.md").write_text("<!-- results/runs.md: l2, PSNR -->9<!-- end -->")
        return tmp_path

    @pytest.mark.parametrize("before,after", [
        ("<!-- results/short/l+1.md -->\nold\n<!-- end -->", "| a |\n| - |\n| b |\n"),
        ("<!-- results/runs.md: l2, PSNR -->1<!-- end -->", "12.95 ± 0.01"),
        ("<!-- results/runs.md: ours, PSNR --><!-- end -->", "11.94"),
        ("<!-- results/runs.md: ours - l2, PSNR -->1\n2<!-- end -->", "**-1.01 [-1.04, -0.9]**"),
        ("<!-- results/runs.md: ours - l2, blur (px) -->1<!-- end -->", "-0.2 [-0.3, -0.1]"),
        ("<!-- results/later.md: ours, PSNR -->1<!-- end -->", "not measured yet"),
    ])  # fmt: skip
    def test_each_kind(self, root, before, after):
        opening = before[: before.index("-->") + 3]
        shown = f"x {opening}{chr(10) if after[0] == '|' else ''}{after}<!-- end --> y <!-- other -->"
        assert pages.refreshed(f"x {before} y <!-- other -->") == shown

    def test_a_row_with_a_comma(self, root):
        Path("results/runs.md").write_text("| a | b |\n| - | - |\n| ours, patches | 7 |\n")
        found = pages.refreshed("<!-- results/runs.md: ours, patches, b --><!-- end -->")
        assert found == "<!-- results/runs.md: ours, patches, b -->7<!-- end -->"

    def test_the_command(self, root, capsys):
        evaluate.main(["pages"])
        assert Path("README.md").read_text() == (
            "By <!-- results/runs.md: ours - l2, PSNR -->**-1.01 [-1.04, -0.9]**<!-- end --> dB."
        )
        assert Path("docs/a.md").read_text() == "<!-- results/runs.md: l2, PSNR -->12.95 ± 0.01<!-- end -->"
        assert capsys.readouterr().out == "README.md\ndocs/a.md\nresults/REPORT.md\n"

    @pytest.mark.parametrize("wanted", ["l1, PSNR", "ours, blur (px)"])
    def test_no_such_cell(self, root, wanted):
        Path("results/REPORT.md").write_text(f"<!-- results/runs.md: {wanted} -->1<!-- end -->")
        with pytest.raises(UserError, match=f"expected a row of l2, ours, ours - l2 .*, got {re.escape(wanted)}"):
            evaluate.main(["pages"])
        assert "-->9<!--" in Path("README.md").read_text()

    def test_no_document(self, root):
        Path("README.md").unlink()
        with pytest.raises(UserError, match=r"README\.md: expected a text file"):
            evaluate.main(["pages"])


@pytest.mark.parametrize("match,named", [("kl", False), ("", True)])
def test_at_equal_kl_no_beta_is_said_to_be_that_of_all(match, named):
    found = runs.load(ROOT / "results/blur_error/runs.csv")
    protocol = Protocol("mnist", "test", "sample", 0, None)
    assert (
        "beta=" in comparison_table.caption(found, np.zeros((0, 28, 28, 1)), protocol, apart=("beta",) if match else ())
    ) == named


def test_no_number_of_the_report_is_written_by_hand():
    """But for the paper's, the author's weights', and settings."""
    text = re.sub(r"<!-- results.*?<!-- end -->|```.*?```|`[^`]*`|\]\(.*?\)", "", REPORT, flags=re.S)
    published = [number for claim in audit.CLAIMS for number in claim[2:]]
    measured = [number for _, *numbers in audit.AUTHOR.values() for number in numbers]
    known = {*published, *measured, *(v for v in config.defaults().values() if isinstance(v, float))}
    assert {float(number) for number in re.findall(r"\d+\.\d+", text)} <= known


def groups(path):
    """The rows of a table of runs by all that makes runs different but the seed, as text."""
    rows = list(csv.DictReader(path.read_text().splitlines()))
    places = {"tag", "seed", "data_dir", "model_dir", "logs_dir", "results_dir"}
    looks = {"log_freq", "test_freq", "visualise_freq", "save_model_freq", "test_size", "monitor_size", "num_samples"}
    keys = [key for key in config.KEYS if key in rows[0] and key not in places | looks and all(r[key] for r in rows)]
    found = defaultdict(list)
    for row in rows:
        found[tuple(row[key] for key in keys)].append(row)
    return found.values()


def means_and_deviations(rows, key, decimals):
    """Texts such as "11.94 ± 0.02" of the values of `key` in rows: two where the sixth digit of a mean decides."""
    values = [float(row[key]) for row in rows]
    spread = f" ± {statistics.stdev(values):.{decimals}f}" if len(values) > 1 else ""
    return {f"{statistics.mean(values) + shift:.{decimals}f}{spread}" for shift in (-1e-6, 0, 1e-6)}


@pytest.mark.parametrize("folder", ["two_stage", "ablations", "long_colour"])
def test_the_table_is_that_of_the_runs(folder):
    path = ROOT / "results" / folder / "runs.csv"
    expected = {
        (display_name(group[0]["loss"]), str(len(group)), psnr, ssim)
        for group in groups(path)
        for psnr in means_and_deviations(group, "psnr", 2)
        for ssim in means_and_deviations(group, "ssim", 3)
    }
    first_table = path.with_suffix(".md").read_text().split("\n\n")[1].splitlines()[2:]
    shown = [[part.strip() for part in line.split("|")[1:-1]] for line in first_table]
    # what is no run is a control
    shown = [row for row in shown if " of " not in row[0]]
    assert len(shown) > 5
    assert {(re.sub(r" \w+=.*", "", name), *others[:3]) for name, *others in shown} <= expected


def settings(experiment):
    """The settings of every run of an experiment, a list for each stage."""
    stages = config.read_experiment(ROOT / f"config/experiments/{experiment}.yml", {})
    return [[config.resolve(run) for run in combinations(stage)] for stage in stages]


class TestExperiments:
    def test_the_ablations_are_those_of_the_report(self):
        """Every value that the report speaks of; no two runs of one tag; five epochs, from those of l2."""
        start, *stages = settings("ablations")
        assert [(run.loss, run.epochs, run.init_from) for run in start] == [("l2", 5, "")] * 3
        every = [run for stage in stages for run in stage]
        assert len({run.tag for run in every}) == len(every) == 3 * 23
        assert {(run.epochs, run.test_split, run.seed) for run in every} == {(5, "held-out", i) for i in (1, 2, 3)}
        begun = {run.init_from.replace("{seed}", str(run.seed)) for run in every}
        assert begun == {f"{run.model_dir}/{run.tag}/model.npz" for run in start}
        for run in [*start, *every]:  # one cycle
            assert (run.lr_mode, 2 * run.lr_step_size) == ("triangular", 5 * run.train_size / run.batch_size)
        for loss in ("ours", "ours-corrected"):
            found = [run for run in every if run.loss == loss]
            assert {run.stft_f for run in found} == {8, 16, 28}
            assert {run.stft_s for run in found} == {2, 4, 8}
        ratios = {run.arg_coef / run.amp_coef if run.amp_coef else float("inf") for run in every}
        assert sorted(ratios) == pytest.approx([0, 1, 9, float("inf")])
        assert {run.beta for run in every} == {0.0005, 0.005, 0.05}
        for run in every:
            losses.term_names(run.loss)

    def test_two_stages_of_every_loss_of_the_paper(self):
        """Three seeds of each, all from one start."""
        start, *stages = settings("two_stage")
        every = [run for stage in stages for run in stage]
        assert {run.loss for run in every} == {*audit.AUTHOR, "ours-corrected"}
        for loss in audit.AUTHOR:
            assert [run.seed for run in every if run.loss == loss] == [run.seed for run in start] == [1, 2, 3]

    @pytest.mark.parametrize("experiment,folder,count", [("ambient", "", 6), ("ambient_colour", "ambient_colour", 2)])
    def test_the_restorers_are_made_as_they_were(self, experiment, folder, count):
        """Those shipped have the settings of the experiments; what a supervised one ignores aside."""
        shipped = 0
        for run in (run for stage in settings(experiment) for run in stage):
            path = ROOT / "checkpoints" / folder / run.tag / "model.npz"
            if path.exists():
                found = checkpoint.configuration(checkpoint.read(path)[1])
                derived = {"train_size", "test_size", "lr_step_size"}
                assert 2 * found.lr_step_size == found.epochs * -(-found.train_size // found.batch_size)
                ignored = derived | ({"pixel_side"} if run.supervised else set())
                assert {*config.differences(run, found)} <= ignored
                shipped += 1
        assert shipped == count

    @pytest.mark.parametrize("experiment,all_losses,varied", [
        ("blur_error", {"l2", "blur_error_vae"}, {"variance", "kernel_gradient"}),
        ("long_colour", {"l2", "l1", "ssim", "l1+ssim", "l2+ffl", "stft+l2", "sharp-colour", "blur_error_vae"}, set()),
    ])  # fmt: skip
    def test_what_is_compared_at_equal_kl(self, experiment, all_losses, varied):
        """One target for all, and all else that is read alike, but for what is varied; one cycle; no tag twice."""
        every = [run for stage in settings(experiment) for run in stage]
        assert len({run.tag for run in every}) == len(every)
        for run in every:
            assert run.target_kl == every[0].target_kl > 0
            both = vars(every[0]), vars(run)
            others = {
                key for key in config.differences(every[0], run) if all(config.is_read(key, values) for values in both)
            }
            assert others <= {"loss", "model", "beta", "seed"} | varied
            assert run.lr_step_size == 0
            assert run.model == "vae" or run.blur_start_epoch < run.epochs
        assert {run.loss for run in every} == all_losses


# make targets that write tables
MADE = (
    "two_stage",
    "ablations",
    "blur_error",
    "colour",
    "long_colour",
    "scratch",
    "digits",
    "ambient",
    "ambient_colour",
    "report",
)


@pytest.mark.usefixtures("without_make")
class TestCommands:
    @staticmethod
    def recipe(target):
        """The command lines of a make target, as words, by their script."""
        stamps = [f"--assume-old=.venv/{stamp}" for stamp in ("installed", "perceptual")]
        command = ["make", "--dry-run", target, "BIN=bin", *stamps]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found = defaultdict(list)
        for line in re.split(r"\n|&&", done.stdout.replace("\\\n", " ")):
            if words := shlex.split(line):
                found[words[1]].append(words[2:])
        return found

    def test_the_commands_of_the_report(self):
        """Each names an experiment of the report or writes its numbers."""
        (block,) = re.findall(r"```bash\n(.*?)```", REPORT, re.S)
        targets = [line.split()[1] for line in block.splitlines()]
        assert targets == ["two_stage", "ablations", "sharp", "scratch", "digits", "long_colour", "report"]
        for target in targets[:-1]:
            assert self.recipe(target)["train.py"][0][0] == f"--config=config/experiments/{target}.yml"

    @pytest.mark.parametrize("target", MADE)
    def test_the_tables_are_made_by_commands_that_exist(self, target, monkeypatch):
        monkeypatch.chdir(ROOT)
        commands = self.recipe(target)["evaluate.py"]
        assert commands
        for words in commands:
            evaluate.parse(words)

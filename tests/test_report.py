"""README and report: every number is the one in results/, and the tables there are those of the runs."""

import csv
import re
import statistics
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

import config
import evaluate
import losses
import train
from config.system.errors import UserError
from evaluation import audit, comparison_table
from evaluation.comparison import Protocol
from evaluation.reports import pages
from models import runs
from training import sweep

ROOT = Path(__file__).parent.parent
DOCUMENTS = {f"{path.relative_to(ROOT)}": path.read_text(encoding="utf-8") for path in pages.documents(ROOT)}
TABLES = """Mean.

| loss | seeds | PSNR         |
| ---- | ----: | -----------: |
| l2   |     3 | 12.95 ± 0.01 |
| ours |     1 |        11.94 |

| difference | blur (px)         | PSNR                    |
| ---------- | ----------------- | ----------------------: |
| ours - l2  | -0.2 [-0.3, -0.1] | **-1.01 [-1.04, -0.9]** |
"""


def table_cell(text, row, column):
    """The cell of a row under a column of the tables in `text`, read line by line."""
    place = None
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")[1:-1]]
        if not parts:
            place = None
        elif column in parts:
            place = parts.index(column)
        elif place is not None and parts[0] == row:
            return parts[place]
    return None


class TestParts:
    @pytest.fixture
    def root(self, tmp_path, monkeypatch):
        """A folder with tables and two documents, the current one."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "results/short").mkdir(parents=True)
        (tmp_path / "results/runs.md").write_text(TABLES)
        (tmp_path / "results/short/l+1.md").write_text("| a |\n| - |\n| b |\n")
        (tmp_path / "README.md").write_text("By <!-- results/runs.md: ours - l2, PSNR -->9<!-- end --> dB.")
        (tmp_path / "results/REPORT.md").write_text("Nothing.")
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
        assert capsys.readouterr().out == "README.md\nresults/REPORT.md\n"

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


@pytest.mark.parametrize("name", DOCUMENTS)
class TestDocuments:
    def test_tables_are_those_in_results(self, name):
        shown = dict(re.findall(r"<!-- (results/[^ :]+\.md) -->\n(.*?)\n<!-- end -->", DOCUMENTS[name], re.S))
        assert shown
        for table, text in shown.items():
            assert text == ((ROOT / table).read_text().strip() if (ROOT / table).exists() else pages.NOT_YET)

    def test_numbers_are_those_in_results(self, name):
        shown = re.findall(r"<!-- (results/[^ :]+\.md): ([^>]*), ([^,>]*) -->(.*?)<!-- end -->", DOCUMENTS[name])
        assert len(shown) == DOCUMENTS[name].count(".md: ")
        for table, row, column, value in shown:
            path = ROOT / table
            assert value == (table_cell(path.read_text(), row, column) if path.exists() else pages.NOT_YET)

    def test_a_number_begins_no_line(self, name):
        """There the comment would begin a block of HTML, and end the paragraph."""
        assert not re.search(r"^ *<!-- [^>]*: ", DOCUMENTS[name], re.M)

    def test_links_lead_somewhere(self, name):
        for target in re.findall(r"\]\(([^)#]+)\)", DOCUMENTS[name]):
            assert target.startswith("https://") or (ROOT / name).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("match,named", [("kl", False), ("", True)])
def test_at_equal_kl_no_beta_is_said_to_be_that_of_all(match, named):
    found = runs.load(ROOT / "results/blur_error/runs.csv")
    protocol = Protocol("mnist", "test", "sample", 0, None)
    assert ("beta=" in comparison_table.caption(found, [], protocol, apart=("beta",) if match else ())) == named


def test_no_number_of_the_report_is_written_by_hand():
    """But for the paper's, the author's weights', and settings."""
    text = re.sub(
        r"<!-- results.*?<!-- end -->|```.*?```|`[^`]*`|\]\(.*?\)", "", DOCUMENTS["results/REPORT.md"], flags=re.S
    )
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


@pytest.mark.parametrize("path", [ROOT / "results/runs.md", *(ROOT / "results").glob("*/runs.md")])
def test_the_table_is_that_of_the_runs(path):
    measured = {
        (group[0]["loss"], str(len(group)), psnr, ssim)
        for group in groups(path.with_suffix(".csv"))
        for psnr in means_and_deviations(group, "psnr", 2)
        for ssim in means_and_deviations(group, "ssim", 3)
    }
    first_table = path.read_text().split("\n\n")[1].splitlines()[2:]
    shown = [[part.strip() for part in line.split("|")[1:-1]] for line in first_table]
    assert {(name.split()[0], *others[:3]) for name, *others in shown} <= measured


@pytest.mark.usefixtures("without_make")
class TestCommands:
    @staticmethod
    def recipe(target):
        """The command lines of a make target, as words, by their script."""
        command = [
            "make",
            "--dry-run",
            target,
            "BIN=bin",
            *(f"--assume-old=.venv/{stamp}" for stamp in ("installed", "perceptual")),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found = defaultdict(list)
        for line in done.stdout.replace("\\\n", " ").splitlines():
            _, script, *words = line.split()
            found[script].append(words)
        return found

    @staticmethod
    def runs(words):
        """The settings of every run that `python train.py` makes of the flags `words`."""
        arguments = vars(train.parse(words))
        given = config.read_yaml(ROOT / arguments["config"])
        given |= {key: value for key, value in arguments.items() if key in config.KEYS}
        return [config.resolve(run) for run in sweep.combinations(given)]

    def test_the_ablations_are_those_of_the_report(self):
        """Every value that the report speaks of; no two runs of one tag; five epochs, from those of l2."""
        start, *lines = [self.runs(words) for words in self.recipe("ablations")["train.py"]]
        assert [(run.loss, run.epochs, run.init_from) for run in start] == [("l2", 5, "")] * 3
        every = [run for line in lines for run in line]
        settings = list({run.tag: run for run in every}.values())
        assert all(run in settings for run in every)
        assert len(settings) == 3 * 23
        assert {(one.epochs, one.test_split, one.seed) for one in settings} == {(5, "held-out", i) for i in (1, 2, 3)}
        begun = {one.init_from.replace("{seed}", str(one.seed)) for one in settings}
        assert begun == {f"{run.model_dir}/{run.tag}/model.npz" for run in start}
        assert all(run.train_size == 50_000 for run in start)
        for run in [*start, *settings]:  # one cycle
            assert (run.lr_mode, 2 * run.lr_step_size) == ("triangular", 5 * run.train_size / run.batch_size)
        for loss in ("ours", "ours-corrected"):
            found = [one for one in settings if one.loss == loss]
            assert {one.stft_f for one in found} == {8, 16, 28}
            assert {one.stft_s for one in found} == {2, 4, 8}
        ratios = {one.arg_coef / one.amp_coef if one.amp_coef else float("inf") for one in settings}
        assert sorted(ratios) == pytest.approx([0, 1, 9, float("inf")])
        assert {one.beta for one in settings} == {0.0005, 0.005, 0.05}
        for one in settings:
            losses.term_names(one.loss)

    def test_the_commands_of_the_report(self):
        (block,) = re.findall(r"```bash\n(.*?)```", DOCUMENTS["results/REPORT.md"], re.S)
        commands = [line.split() for line in block.splitlines()]
        assert commands[-2:] == [["make", "ablations", "ARGS=--jobs=2"], ["make", "report"]]
        trained = [run for words in commands[:-2] for run in self.runs(words[2:])]
        assert {run.loss for run in trained} == {*audit.AUTHOR, "ours-corrected"}
        for loss in audit.AUTHOR:
            assert len({run.seed for run in trained if run.loss == loss}) >= 3

    @pytest.mark.parametrize("target,count", [("ambient", 6), ("ambient_colour", 2)])
    def test_the_restorers_are_made_as_they_were(self, target, count):
        """Those shipped have the settings of the commands; what a supervised one ignores aside."""
        shipped = 0
        for run in (run for words in self.recipe(target)["train.py"] for run in self.runs(words)):
            path = ROOT / "checkpoints" / run.tag / "config.yml"
            if path.exists():
                found = config.read_yaml(path)
                ignored = {"data_dir", "train_size", "test_size"} | ({"pixel_side"} if run.supervised else set())
                assert {key: found[key] for key in found if key not in ignored} == {
                    key: value for key, value in vars(run).items() if key not in ignored
                }
                shipped += 1
        assert shipped == count

    @pytest.mark.parametrize("target,all_losses", [
        ("blur_error", {"l2", "blur_error_vae"}),
        ("colour", {"l2", "l1", "ssim", "l2+ffl", "dft+ssim", "ours", "ours-corrected", "blur_error_vae"}),
    ])  # fmt: skip
    def test_what_is_compared_at_equal_kl(self, target, all_losses):
        """Every loss has two beta or more, and all else alike; one cycle; no two runs of one tag."""
        every = [run for words in self.recipe(target)["train.py"] for run in self.runs(words)]
        assert len({run.tag for run in every}) == len(every)
        betas, others = defaultdict(set), set()
        for run in every:
            betas[run.loss].add(run.beta)
            others.add(tuple(v for k, v in vars(run).items() if k not in ("tag", "loss", "model", "beta", "seed")))
            images = run.train_size or {"cifar10": 50_000}[run.dataset]
            assert 2 * run.lr_step_size == run.epochs * images / run.batch_size
            assert run.blur_start_epoch < run.epochs
        assert betas.keys() == all_losses
        assert min(map(len, betas.values())) >= 2
        assert len(others) == 1

    @pytest.mark.parametrize("target", ["ablations", "blur_error", "colour", "ambient", "ambient_colour", "report"])
    def test_the_tables_are_made_by_commands_that_exist(self, target, monkeypatch):
        monkeypatch.chdir(ROOT)
        for words in self.recipe(target)["evaluate.py"]:
            evaluate.parse(words)

"""README and docs: every command runs, every number is that of results/, and every name and link leads somewhere."""

import ast
import csv
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import test_losses
import yaml
from PIL import Image

import config
import data
import losses
from config.sweep import combinations
from evaluation.reports import pages
from models import runs

ROOT = Path(__file__).parent.parent
README, REPORT = "README.md", "results/REPORT.md"
GUIDES = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in (README, *GUIDES, REPORT)}
EXTENDING = TEXTS["docs/extending.md"]
SHRUNK = ["--epochs=1", "--train_size=20", "--test_size=4", "--monitor_size=4"]
# the make targets that are run, and the arguments that make them short
SHORT = {"train": SHRUNK, "generate": [], "evaluate": ["--loss=l2"]}


def blocks(text, language):
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


def commands(name):
    """The command lines of a page, without their comments."""
    lines = "".join(blocks(TEXTS[name], "bash")).splitlines()
    return [re.split(r"\s+# ", line)[0] for line in lines if line.strip()]


COMMANDS = list(dict.fromkeys(command for name in (README, *GUIDES) for command in commands(name)))


def flag(words, name):
    """The value of the flag --name in `words`, "" if it is not there."""
    return next((word.partition("=")[2] for word in words if word.startswith(f"--{name}=")), "")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A small clone, one for each process: the files of the repository, few images, and experiments of one run."""
    folder = tmp_path_factory.mktemp("prepared")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for path in (folder / "config/experiments").glob("*.yml"):
        path.write_text(yaml.safe_dump(few_runs(yaml.safe_load(path.read_text()))))
    for name, side in (("photo", 80), ("digit", 40), ("damaged", 28)):
        Image.fromarray(np.zeros((side, side), np.uint8)).save(folder / f"{name}.png")
    paper = np.full((60, 60), 200, np.uint8)
    paper[10:50, 25:35] = 20
    Image.fromarray(paper).save(folder / "paper.png")
    put_data_sets(folder / "DIR")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "clone")
    return folder


def few_runs(experiment):
    """An experiment with its first run alone, for one value of each key."""
    first, *_ = experiment.pop("runs", [{}])
    return {key: value[0] if isinstance(value, list) else value for key, value in (experiment | first).items()}


def put_data_sets(folder):
    """Write a few images of every data set that has a folder."""
    folder.mkdir()
    grey = np.uint8(data.load("mnist", "test").images[:60, :, :, 0] * 0.7)
    colour = np.random.default_rng(0).integers(256, size=(60, 32, 32, 3), dtype=np.uint8)
    for name, images in (("mnist", grey), ("cifar10", colour)):
        np.savez(folder / f"{name}.npz", x_train=images, y_train=np.zeros(60), x_test=images[:8], y_test=np.zeros(8))
    for i, image in enumerate(colour):
        Image.fromarray(image).save(folder / f"{i}.png")


def git(folder, *words):
    """What a git command in the folder prints."""
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def few_images(monkeypatch):
    """Data sets of 100 images, so that scoring them takes no time."""

    def load(*which, load=data.load):
        return data.Split(*(None if values is None else values[:100] for values in load(*which)))

    monkeypatch.setattr(data, "load", load)


@pytest.fixture
def clone(prepared, tmp_path, monkeypatch, request, few_images):
    """A copy of the small clone, the current folder, with the checkpoints that the command of the test needs."""
    monkeypatch.chdir(prepared)
    for name in needed(request.getfixturevalue("command").split()):
        if not Path(f"checkpoints/local/{name}").exists():
            trains = re.compile(rf"python train\.py (?!--resume).*--tag={name}\b")
            (training,) = filter(trains.match, COMMANDS)
            run_script(shlex.split(training)[1:])
    shutil.copytree(prepared, tmp_path / "clone", copy_function=os.link)
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"


def needed(words):
    """The names of checkpoints that a command needs and the repository does not have."""
    if words[1] == "train.py":
        return [flag(words, "tag")] if "--resume" in words else []
    found = words[1] in ("generate.py", "evaluate.py") and "probe" not in words and "runs" not in words
    names = [name for name in flag(words, "loss").split(",") if name] if found else []
    return [name for name in names if not (ROOT / "checkpoints" / name).exists()]


def shrunk(words):
    """The arguments of a training made short; a continued one by an epoch; a sweep of one loss and two seeds."""
    if "--resume" in words:
        return [*(word for word in words if not word.startswith("--epochs")), "--epochs=2"]
    fewer = [re.sub(r"^(--loss=|--seed=\d+,)(.*,)", r"\1", word) for word in words]
    return [*fewer, *SHRUNK]


def run_script(words):
    """A line `python SCRIPT ...` or `python -m MODULE ...`, in this process."""
    script, *arguments = words[1:] if words[0] == "-m" else words
    module = script.removesuffix(".py")
    importlib.import_module(module).main(shrunk(arguments) if module == "train" else arguments)


def run_make(words):
    """A line `make ...`, with everything installed; of a long one only whether make knows what to do."""
    installed = [f"--assume-old=.venv/{stamp}" for stamp in ("installed", "perceptual", "tested")]
    target, *given = words
    arguments = [word.removeprefix("ARGS=") for word in given if word.startswith("ARGS=")]
    words = [target, f"ARGS={' '.join(arguments + SHORT.get(target, []))}"]
    dry = [] if target in SHORT else ["--dry-run"]
    command = ["make", *words, *dry, "PYTHON=false", f"BIN={Path(sys.executable).parent}", *installed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def run_pip(words):
    """A line `pip install ...`: whether the files that it names are there."""
    named = [word for word in words if word.endswith(".txt")]
    assert named
    assert all((ROOT / name).exists() for name in named)


@pytest.mark.slow
@pytest.mark.usefixtures("without_make")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command(command, clone):
    program, *words = shlex.split(command)
    {"python": run_script, "make": run_make, "pip": run_pip}[program](words)
    if command in commands(README):
        assert git(clone, "status", "--porcelain") == ""


def test_the_commands_that_users_were_promised_are_there():
    first = {"make train", "make test", "pip install -r requirements.txt"}
    first |= {"python generate.py --loss=ours", "python train.py", "python evaluate.py"}
    assert first <= set(commands(README))
    assert {
        "python train.py --batch_size=40 min_lr=0.0001 max_lr=0.001 --epochs=30",
        "python generate.py --loss=ssim, --num_samples=16 --name=gen_samples --out_dir=results",
    } <= set(COMMANDS)


@pytest.mark.parametrize("path", sorted((ROOT / "config/experiments").glob("*.yml")), ids=lambda path: path.stem)
def test_every_experiment_is_possible(path):
    """The commands above run shortened experiments."""
    found = [run for stage in config.read_experiment(path, {}) for run in combinations(stage)]
    assert all(config.resolve(run).tag for run in found)
    assert len({(run.get("results_dir"), run["tag"]) for run in found}) == len(found)


def test_the_readme_is_short():
    lines, words = TEXTS[README].splitlines(), TEXTS[README].split()
    assert len(lines) <= 200
    assert len(words) <= 1400


def test_the_readme_has_one_table_and_the_numbers_of_two_sentences():
    opened = re.findall(r"<!-- (results/[^>]*) -->", TEXTS[README])
    assert len(opened) == 4
    assert sum(": " in one for one in opened) == 3
    assert TEXTS[README].count("<!--") == 8


@pytest.mark.parametrize("name", TEXTS)
class TestPages:
    def test_numbers_are_those_of_the_tables(self, name):
        assert pages.refreshed(TEXTS[name], ROOT) == TEXTS[name]

    def test_every_table_exists(self, name):
        """And is none that git ignores, which a clone lacks."""
        kept = {*git(ROOT, "ls-files", "-co", "--exclude-standard", "results").splitlines()}
        assert {*re.findall(r"<!-- (results/[^ :>]+\.md)", TEXTS[name])} <= kept

    def test_a_number_begins_no_line(self, name):
        """There the comment would begin a block of HTML, and end the paragraph."""
        assert not re.search(r"^ *<!-- [^>]*: ", TEXTS[name], re.M)

    def test_a_guide_begins_with_what_its_reader_can_do(self, name):
        if name != README:
            assert re.match(r"# [^\n]+\n\nAfter reading this page you ", TEXTS[name])

    def test_links_lead_somewhere(self, name):
        for target in re.findall(r"\]\(([^)]+)\)", TEXTS[name]):
            if target.startswith("https://"):
                continue
            file, _, anchor = target.partition("#")
            path = (ROOT / name).parent / file if file else ROOT / name
            assert path.exists(), target
            assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), target

    def test_paths_exist(self, name):
        """Those in backticks that name no place of the user's own."""
        folders = "config|data|losses|measurements|models|training|evaluation|benchmarks|checkpoints|results|tests"
        for path in re.findall(rf"`((?:{folders})/[\w./+-]+)`", TEXTS[name]):
            is_ones_own = re.search(r"/(local|NAME|TAG|LOSS)\b", path)
            assert is_ones_own or (ROOT / path).exists(), path

    def test_names_are_in_the_files_they_are_said_to_be_in(self, name):
        for symbol, file in re.findall(r"`([A-Za-z_][\w.]*)`\s+(?:in|of)\s+`([\w/]+\.py)`", TEXTS[name]):
            assert symbol in defined((ROOT / file).read_text(encoding="utf-8")), f"{symbol} in {file}"

    def test_defaults_are_those_of_the_configuration(self, name):
        """In every table of keys."""
        for header, rows in tables(TEXTS[name]):
            if header[:3] != ["key", "meaning", "default"]:
                continue
            for keys, _, values, *_ in rows:
                shown = dict(zip(re.findall(r"`(\w+)`", keys), values.replace("`", "").split(", "), strict=True))
                for key, value in shown.items():
                    assert config.KEYS[key].parse(key, value) == config.defaults()[key]

    def test_losses_of_the_tables_exist(self, name):
        for header, rows in tables(TEXTS[name]):
            if header[0] in ("`--loss`", "short name") or header[:2] == ["name", "formula, for each image"]:
                for loss in re.findall(r"`([a-z0-9+-]+)`", " ".join(row[0] for row in rows)):
                    assert losses.term_names(loss)

    def test_benchmarks_exist(self, name):
        for benchmark in re.findall(r"python -m benchmarks\.(\w+)", TEXTS[name]):
            assert (ROOT / "benchmarks" / f"{benchmark}.py").exists()
            assert re.search(rf"<!-- results/benchmarks/{benchmark}(_\w+)?\.md -->", "".join(TEXTS.values()))


def anchors(text):
    """The anchors of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def defined(source):
    """The names that a module defines, methods as Class.method."""
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            names |= {f"{node.name}.{one.name}" for one in getattr(node, "body", []) if hasattr(one, "name")}
    return names


def tables(text):
    """The tables of a page, (header, rows) each, cells as text."""
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.M):
        lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
        header, _, *rows = [[cell.strip() for cell in line] for line in lines]
        yield header, rows


def test_every_loss_is_in_the_table_of_formulas():
    rows = next(rows for header, rows in tables(TEXTS["docs/losses.md"]) if header[0] == "name")
    assert {row[0].strip("`") for row in rows} == set(losses.TERMS)


def test_every_key_is_explained():
    guides = "".join(TEXTS[name] for name in GUIDES)
    assert [key for key in config.KEYS if f"`{key}`" not in guides] == []


def test_every_table_of_a_benchmark_is_shown():
    shown = "".join(TEXTS.values())
    for table in (ROOT / "results/benchmarks").glob("*.md"):
        assert f"<!-- results/benchmarks/{table.name} -->" in shown
        benchmark = re.sub("_(jax|torch)$", "", table.stem)
        assert re.search(rf"`(KERAS_BACKEND=\w+ )?python -m benchmarks\.{benchmark}", shown)


@pytest.mark.parametrize("command", ["python generate.py --loss=ours", "python evaluate.py"])
def test_the_times_are_about_those_measured(command):
    shown = float(re.search(rf"^{re.escape(command)} +# (\d+) s", TEXTS[README], re.M).group(1))
    table = (ROOT / "results/benchmarks/startup.md").read_text()
    measured = float(re.search(rf"`{re.escape(command)}` *\| *([\d.]+) s", table).group(1))
    assert measured / 1.5 < shown < measured * 1.5


def test_the_papers_own_settings():
    text = " ".join(TEXTS["docs/reproduce.md"].split())
    psnr, ssim = re.search(r"With them, `ours` ends at PSNR ([\d.]+) dB and SSIM ([\d.]+)", text).groups()
    (row,) = (row for row in runs.read(ROOT / "results/convergence/runs.csv") if row["tag"] == "ours-paper")
    assert (psnr, ssim) == (f"{float(row['psnr']):.2f}", f"{float(row['ssim']):.3f}")
    assert (row["batch_size"], row["max_lr"], row["epochs"], row["test_split"]) == ("50", "0.001", "50", "test")


def additions(text):
    """The files that a page says to write or to change, in its order: (file, lines)."""
    found = "".join(blocks(text, "python")), "".join(blocks(text, "yaml"))
    pieces = re.split(r"^# ([\w/]+\.(?:py|yml))\n", "".join(found), flags=re.M)
    return list(zip(pieces[1::2], pieces[2::2], strict=True))


@pytest.mark.parametrize("name", [README, "docs/extending.md"])
def test_the_loss_of_ones_own(name, tmp_path, monkeypatch):
    """The example works as shown."""
    source = next(body for file, body in additions(TEXTS[name]) if file == "losses/charbonnier.py")
    line = re.search(r"^from \.charbonnier import \w+|`(from \.charbonnier import \w+)`", TEXTS[name], re.M)
    entry = re.search(r'("charbonnier": Term\(.*?\)),', TEXTS[name]).group(1)
    (tmp_path / "charbonnier.py").write_text(source)
    monkeypatch.setattr(losses, "__path__", [*losses.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "losses.charbonnier", raising=False)
    space = vars(losses).copy()
    exec(line.group(1) or line.group(0), space)
    monkeypatch.setitem(losses.TERMS, "charbonnier", eval(f"{{{entry}}}", space)["charbonnier"])
    x, y = np.zeros((8, 28, 28, 1), np.float32), np.full((8, 28, 28, 1), 0.5, np.float32)
    np.testing.assert_allclose(losses.build("charbonnier").call(x, y), np.sqrt(0.25 + 1e-6) - 1e-3, rtol=1e-6)
    contract = test_losses.TestContract()
    contract.test_zero_where_equal("charbonnier", x)
    contract.test_round_trip_through_its_config("charbonnier", (x, y))
    contract.test_images_do_not_influence_each_other("charbonnier", (x, y))


def follow(folder, file, body):
    """Write a new file, or add the lines to one as their comments say; a line takes the place of one of its name."""
    path = folder / file
    if file not in git(ROOT, "ls-files", file):
        path.write_text(body)
        return
    lines = path.read_text().splitlines()
    for line in filter(str.strip, body.splitlines()):
        text, _, place = line.partition("  # ")
        start = text.partition(":")[0] + ":" if place.startswith("in ") and ":" in text else text
        lines = [other for other in lines if not other.startswith(start)]
        wanted = r"(from|import) " if place == "with the imports" else rf"{place.removeprefix('in ')}\b.* = "
        at = next((i for i, other in enumerate(lines) if re.match(wanted, other)), None)
        if file.endswith(".yml"):
            lines.append(line)
        else:
            lines.insert(at + (place != "with the imports"), text)
    path.write_text("\n".join(lines) + "\n")


def python(folder, *calls):
    """What the scripts print in the folder, one process for all: a call is the script and its arguments."""
    code = "import importlib, sys\nfor script, *words in eval(sys.argv[1]): importlib.import_module(script).main(words)"
    return printed(folder, "-c", code, repr(calls))


def printed(folder, *words):
    """What a Python process prints in the folder."""
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_page_on_extending_works_as_it_is_followed(prepared, tmp_path):
    """All its examples in one clone: nothing is done that the page does not say."""
    folder = shutil.copytree(prepared, tmp_path / "clone")
    for file, body in additions(EXTENDING):
        follow(folder, file, body)
    script = folder / "evaluate.py"
    script.write_text(re.sub(r"(REPORTS = \(.*)\)", r'\1, "brightness")', script.read_text()))
    images = np.random.default_rng(0).integers(256, size=(60, 128, 128), dtype=np.uint8)
    np.savez(folder / "DIR/own.npz", x_train=images, y_train=np.zeros(60), x_test=images[:8], y_test=np.zeros(8))

    own = ["--dataset=own", "--data_dir=DIR"]
    loss = ["--loss=charbonnier+ssim", "--charbonnier_eps=0.01"]
    found = python(
        folder,
        ["train", *own, *loss, "--architecture=narrow128", "--latent_dim=8", "--tag=own", *SHRUNK],
        ["train", "--model=ambient_vae_gan", "--architecture=ambient28", "--measurement=shade", *SHRUNK],
        ["evaluate", "brightness", "--loss=own"],
        ["evaluate", "runs", "--runs=results/local/runs.csv", *own, "--baseline=charbonnier+ssim"],
    )
    assert re.search(r"^own: -?\d", found, re.M)
    assert "absolute error" in found
    with (folder / "results/local/runs.csv").open() as file:
        assert "absolute_error" in next(csv.reader(file))
    offered = "".join(printed(folder, script, "--help") for script in ("train.py", "evaluate.py"))
    for name in ("charbonnier", "charbonnier_eps", "own", "narrow128", "shade", "brightness"):
        assert name in offered

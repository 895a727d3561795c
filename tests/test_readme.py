"""README: every command line runs, and what it says of losses, settings and benchmarks is so."""

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import test_losses
from PIL import Image

import data
import losses
from models import runs

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.S)
COMMANDS = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
SHRUNK = ["--epochs=1", "--train_size=100", "--test_size=50", "--monitor_size=20"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the repository without its environment, in which commands may write."""
    folder = tmp_path_factory.mktemp("clone")
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in files.stdout.split("\n")[:-1]:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(folder / "digit.png")
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(folder / "damaged.png")
    (folder / "DIR").mkdir()
    few = np.uint8(data.load("mnist", "test").images[:100, :, :, 0] * 0.7)
    np.savez(folder / "DIR/mnist.npz", x_train=few, y_train=np.zeros(100), x_test=few, y_test=np.zeros(100))
    return folder


def shrunk(words):
    """The arguments of a training made short; a continued one by an epoch; a sweep of one loss and two seeds."""
    if "--resume" in words:
        return [*(word for word in words if not word.startswith("--epochs")), "--epochs=2"]
    fewer = [re.sub(r"^(--loss=|--seed=\d+,)(.*,)", r"\1", word) for word in words]
    return [*fewer, *SHRUNK]


def run_script(words):
    """A line `python ...` of the README, in this process."""
    module, arguments = (words[1], words[2:]) if words[0] == "-m" else (words[0].removesuffix(".py"), words[1:])
    importlib.import_module(module).main(shrunk(arguments) if module == "train" else arguments)


def run_make(words, folder):
    """A line `make ...`, the environment taken as installed; the long ones only as far as their recipe."""
    installed = [f"--assume-old=.venv/{stamp}" for stamp in ("installed", "perceptual", "tested")]
    words = [f"{word} {' '.join(SHRUNK)}" if word.startswith("ARGS=") else word for word in words]
    words += (
        ["--dry-run"]
        if words[1] in ("test", "ablations", "blur_error", "colour", "ambient", "ambient_colour", "report")
        else []
    )
    command = [*words, "PYTHON=false", f"BIN={Path(sys.executable).parent}", *installed]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture
def few_images(monkeypatch):
    """Data sets of 600 images, so that measuring them takes no time."""
    monkeypatch.setattr(data, "load", lambda *which, load=data.load: data.Split(*(v[:600] for v in load(*which))))


@pytest.mark.slow
@pytest.mark.usefixtures("without_make")
def test_every_command(clone, monkeypatch, few_images):
    """In the order of the README, one after the other, as a reader would."""
    monkeypatch.chdir(clone)
    for command in COMMANDS:
        program, *words = shlex.split(command)
        if program == "python":
            run_script(words)
        elif program == "make":
            run_make([program, *words], clone)
        else:
            assert command == "pip install -r requirements.txt"


def test_the_commands_that_users_were_promised_are_there():
    assert {"python generate.py --loss=ours", "python train.py", "python evaluate.py", "make test"} <= set(COMMANDS)


def test_the_papers_own_settings():
    psnr, ssim = re.search(r"own settings `ours` ends at PSNR ([\d.]+) dB and SSIM ([\d.]+)", README).groups()
    (row,) = (row for row in runs.read(ROOT / "results/runs.csv") if row["tag"] == "ours-paper")
    assert (psnr, ssim) == (f"{float(row['psnr']):.2f}", f"{float(row['ssim']):.3f}")
    assert (row["batch_size"], row["max_lr"], row["epochs"], row["test_split"]) == ("50", "0.001", "50", "test")


def test_every_benchmark_exists():
    names = re.findall(r"`python -m benchmarks\.(\w+)`", README)
    assert names
    for name in names:
        assert (ROOT / "benchmarks" / f"{name}.py").exists()
        assert f"<!-- results/benchmarks/{name}.md -->" in README


def test_every_loss_of_the_table_of_losses_exists():
    rows = re.search(r"\| name \| formula \| source \|\n(.*?)\n\n", README, re.S).group(1)
    for name in re.findall(r"`([a-z0-9+-]+)`", "".join(row.split("|")[1] for row in rows.splitlines())):
        losses.build(name)


def test_the_loss_of_ones_own(tmp_path, monkeypatch):
    """The ten lines work as shown."""
    source = re.search(r"```python\n# losses/charbonnier.py\n(.*?)```", README, re.S).group(1)
    entry = re.search(r'`("charbonnier": .*?),`', README).group(1)
    line = re.search(r"`(from losses\.charbonnier import \w+)`", README).group(1)
    (tmp_path / "charbonnier.py").write_text(source)
    monkeypatch.setattr(losses, "__path__", [*losses.__path__, str(tmp_path)])
    space = vars(losses).copy()
    exec(line, space)
    monkeypatch.setitem(losses.TERMS, "charbonnier", eval(f"{{{entry}}}", space)["charbonnier"])
    x, y = np.zeros((8, 28, 28, 1), np.float32), np.full((8, 28, 28, 1), 0.5, np.float32)
    np.testing.assert_allclose(losses.build("charbonnier").call(x, y), np.sqrt(0.25 + 1e-6) - 1e-3, rtol=1e-6)
    contract = test_losses.TestContract()
    contract.test_zero_where_equal("charbonnier", x)
    contract.test_round_trip_through_its_config("charbonnier", (x, y))
    contract.test_images_do_not_influence_each_other("charbonnier", (x, y))

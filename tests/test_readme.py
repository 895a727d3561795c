"""README: every command line runs, and every number is the one in results/."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import losses

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
    return folder


def run(command, folder):
    """Run a line of the README with this Python, training shrunk, the environment taken as installed."""
    words = shlex.split(command)
    if words[0] == "python":
        words[0] = sys.executable
    if words[:2] == ["make", "test"]:
        words += ["-n"]
    if words[0] == "make":
        fresh = [f"--assume-old=.venv/{stamp}" for stamp in ("installed", "tested")]
        words += ["PYTHON=false", f"BIN={Path(sys.executable).parent}", *fresh]
    if "train.py" in words:
        words += [flag for flag in SHRUNK if "--resume" not in words]
        words = [word for word in words if "--resume" not in words or "epochs" not in word] + (
            ["--epochs=2"] if "--resume" in words else []
        )
    if words[:2] == ["make", "train"]:
        words = [f"{word} {' '.join(SHRUNK)}" if word.startswith("ARGS=") else word for word in words]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
def test_every_command(clone):
    """In the order of the README, one after the other, as a reader would."""
    for command in COMMANDS:
        if command.startswith("pip install"):
            assert (ROOT / command.split()[-1]).exists()
            continue
        done = run(command, clone)
        assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"


def test_the_commands_that_users_were_promised_are_there():
    assert {"python generate.py --loss=ours", "python train.py", "python evaluate.py", "make test"} <= set(COMMANDS)


def test_the_table_is_the_measured_one():
    shown = re.search(r"<!-- table -->\n(.*?)<!-- /table -->", README, re.S).group(1)
    assert shown.strip() == (ROOT / "results/table.md").read_text().strip()


def test_every_loss_of_the_table_of_losses_exists():
    rows = re.search(r"\| name \| formula \| source \|\n(.*?)\n\n", README, re.S).group(1)
    for name in re.findall(r"`([a-z0-9+-]+)`", "".join(row.split("|")[1] for row in rows.splitlines())):
        losses.build(name)


def test_the_loss_of_ones_own(tmp_path, monkeypatch):
    """The ten lines work as shown."""
    source = re.search(r"```python\n# losses/charbonnier.py\n(.*?)```", README, re.S).group(1)
    entry = re.search(r'`("charbonnier": .*?),`', README).group(1)
    space = {}
    exec(source, space)
    monkeypatch.setitem(losses.TERMS, "charbonnier", eval(f"{{{entry}}}", space)["charbonnier"])
    x, y = np.zeros((2, 4, 4, 1), np.float32), np.full((2, 4, 4, 1), 0.5, np.float32)
    np.testing.assert_allclose(losses.build("charbonnier").call(x, y), np.sqrt(0.25 + 1e-6) - 1e-3, rtol=1e-6)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target

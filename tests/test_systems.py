"""Other operating systems: what Windows and macOS lack is not needed, and no text is read or written in their ways."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_layout import MODULES, ROOT

from config.system import machine

TEXT = {"open", "fdopen", "read_text", "write_text"}
# the one place that may use what is missing elsewhere, and what that is
PLACE = "config.system.machine"
MISSING_MODULES = {"fcntl", "grp", "pwd", "resource", "termios"}
MISSING_NAMES = {
    "os": {"fork", "geteuid", "getuid", "kill", "killpg", "mkfifo", "sched_getaffinity", "statvfs", "sysconf", "uname"},
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "setitimer", "signal"},
}
# in a process that has none of this, and whose files and streams are in ASCII unless one says otherwise
WITHOUT = f"""
import importlib, os, signal, sys, warnings
import tensorflow  # which has its own ways on each system
for name in {sorted(MISSING_MODULES)}:
    sys.modules[name] = None
for name in {sorted(MISSING_NAMES["os"])}:
    vars(os).pop(name, None)
for name in {sorted(MISSING_NAMES["signal"] - {"signal"})}:
    vars(signal).pop(name, None)
for module in {sorted(MODULES)}:
    importlib.import_module(module)
from config.system import errors, machine
assert machine.fcntl is None and machine.memory() == machine.USUAL_MEMORY
sys.argv = ["a command"]
for script, *words in eval(os.environ["CALLS"]):
    sys.argv[1:] = words
    errors.run(importlib.import_module(script).main)
"""


def calls(tree):
    """The calls in a syntax tree of what opens a text file, if not in binary: (line, whether its encoding is said)."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = ast.unparse(node.func).rpartition(".")[0]
        is_other = owner in ("files", "os", "Image", "tarfile", "gzip", "zipfile") and name != "fdopen"
        is_binary = any(isinstance(one, ast.Constant) and one.value in ("rb", "wb", "ab", "r+b") for one in node.args)
        is_ours = name == "read_text" and len(node.args) == 3  # config.system.files.read_text
        if name in TEXT and not (is_other or is_binary or is_ours):
            yield node.lineno, any(one.arg == "encoding" for one in node.keywords)


FILES = [*MODULES.values(), *(ROOT / "benchmarks").glob("*.py")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_encoding_is_said(path):
    source = path.read_text(encoding="utf-8")
    assert [line for line, is_said in calls(ast.parse(source)) if not is_said] == []
    assert "text=True" not in source.replace(" ", "")


def test_a_missing_encoding_is_seen():
    source = "a.read_text()\nopen('b')\nos.fdopen(1, 'w', encoding='utf-8')\nopen('b', 'rb')\nread_text(a, 'b', 1)\n"
    assert [*calls(ast.parse(source))] == [(1, False), (2, False), (3, True)]


@pytest.mark.parametrize("name", sorted({*MODULES} - {PLACE}))
def test_what_is_missing_elsewhere_is_used_in_one_place(name):
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert MISSING_MODULES.isdisjoint(alias.name for alias in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.attr not in MISSING_NAMES.get(node.value.id, ()), f"{name}:{node.lineno}"


def test_memory_is_that_of_the_system(monkeypatch):
    lines = Path("/proc/meminfo")
    if lines.exists():
        total = int(lines.read_text(encoding="utf-8").split()[1])  # kB
        assert machine.memory() == pytest.approx(1024 * total, rel=0.01)

    def unknown(name):
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(os, "sysconf", unknown, raising=False)
    assert machine.memory() == 8 * 1024**3


def test_handlers_are_put_back():
    def handler(number, frame):
        pass

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    earlier = machine.handle(dict.fromkeys(machine.STOPS, handler))
    assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGTERM) is handler
    machine.handle(earlier)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.slow
def test_the_commands_without_what_other_systems_lack(tmp_path, rng):
    """Training from pictures, samples, a sweep and its table, which is not in ASCII."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(20):
        Image.fromarray(rng.integers(256, size=(32, 32, 3), dtype=np.uint8)).save(pictures / f"{i}.png")
    small = ["--train_size=6", "--test_size=1", "--monitor_size=1", "--epochs=1", "--batch_size=3", "--loss=l2"]
    places = [f"--{name}_dir={tmp_path / name}" for name in ("model", "results", "logs")]
    own = ["--dataset=image_folder", f"--data_dir={pictures}", "--image_size=32"]
    found = [f"--checkpoint={tmp_path}/model/l2/model.npz", f"--out_dir={tmp_path / 'out'}"]
    every = [["train", *small, *places, *own], ["generate", *found]]
    every += [
        ["train", *small, *places, *own, "--seed=0,1"],
        ["evaluate", "runs", f"--runs={tmp_path}/results/runs.csv"],
    ]
    every[-1] += [*own, "--baseline=l2", f"--out_dir={tmp_path / 'out'}"]
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "CALLS": repr(every)}
    command = [sys.executable, "-c", WITHOUT]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "out/model/gen_samples.png").exists() or list((tmp_path / "out").rglob("gen_samples.png"))
    assert "±" in (tmp_path / "out/runs.md").read_text(encoding="utf-8")

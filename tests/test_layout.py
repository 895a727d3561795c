"""Imports point one way, and the configuration needs no TensorFlow."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from config.system.errors import UserError

ROOT = Path(__file__).parent.parent
ROOMS = {
    "config": set(),
    "data": {"config"},
    "losses": {"config"},
    "measurements": {"config"},
    "models": {"config", "losses", "measurements"},
    "evaluation": {"config", "data", "losses", "measurements", "models"},
    "training": {"config", "data", "losses", "models", "evaluation"},
}
SCRIPTS = ("train", "generate", "evaluate")
BENCHMARKS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text())


def imported(path):
    """The rooms and scripts that the file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names} & {*ROOMS, *SCRIPTS}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    for path in (ROOT / room).rglob("*.py"):
        assert imported(path) <= ROOMS[room] | {room}, path


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_do_not_import_one_another(script):
    assert imported(ROOT / f"{script}.py").isdisjoint(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_flags_are_parsed_without_tensorflow(script):
    heavy = "{'tensorflow', 'keras', 'numpy'}"
    code = f"import sys, {script}; {script}.parse([]); sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_explains_itself_and_refuses_other_flags(name, capsys):
    main = importlib.import_module(f"benchmarks.{name}").main
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert f"python -m benchmarks.{name}" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(UserError, match="unknown key 'fast'"):
        main(["--fast"])


def test_pickle_is_nowhere():
    for path in [*ROOT.glob("*.py"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))]:
        assert "allow_pickle=True" not in path.read_text()
        assert "import pickle" not in path.read_text()

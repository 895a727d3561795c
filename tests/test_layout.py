"""Imports point one way and in no circle, and the configuration needs no TensorFlow."""

import ast
import graphlib
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from config.system.errors import UserError

ROOT = Path(__file__).parent.parent
# each room and those it may import, which stand above it
ROOMS = {
    "config": set(),
    "losses": set(),
    "measurements": set(),
    "data": {"config"},
    "models": {"config", "data", "losses", "measurements"},
    "evaluation": {"config", "data", "losses", "measurements", "models"},
    "training": {"config", "data", "losses", "measurements", "models", "evaluation"},
}
SCRIPTS = ("train", "generate", "evaluate")
BENCHMARKS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text())


def module(path):
    """The name of the module in a file of the house."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for room in ROOMS for path in (ROOT / room).rglob("*.py")}
MODULES |= {name: ROOT / f"{name}.py" for name in SCRIPTS}


def imported(path):
    """The modules of the house that the file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(ROOT).parent.parts) if node.level else ""
            origin = ".".join(part for part in (package, node.module) if part)
            inner = {f"{origin}.{alias.name}" for alias in node.names}
            names |= inner if inner <= {*MODULES} else inner | {origin}
    return names & {*MODULES}


def rooms(modules):
    """The rooms of modules."""
    return {name.split(".")[0] for name in modules}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    for path in (ROOT / room).rglob("*.py"):
        assert rooms(imported(path)) <= ROOMS[room] | {room}, path


def test_every_room_stands_below_those_it_imports():
    order = list(ROOMS)
    assert all(order.index(above) < order.index(room) for room, allowed in ROOMS.items() for above in allowed)


def test_no_imports_in_a_circle():
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}
    assert "models.checkpoint" in graph["models.runs"]
    assert "losses.base" in graph["losses"]
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_do_not_import_one_another(script):
    assert rooms(imported(ROOT / f"{script}.py")).isdisjoint(SCRIPTS)


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

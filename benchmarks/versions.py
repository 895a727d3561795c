"""The fast tests with other versions of Python and of the packages:  python -m benchmarks.versions

Needs uv (`pip install uv`), which fetches a Python that the machine does not have, and 15 GB of disk. Each Python has
two environments: one with the lowest versions that the requirements allow, one with the highest. All are made first,
so a version that cannot be installed is found within minutes. The tests run in a clone of the repository, so what is
not committed is not tested. Those that fail are named on stderr.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import publish
from config.command_line import Parser
from config.schema import ROOT
from config.system.errors import UserError, run

PYTHONS = ("3.11", "3.12", "3.13")
# the name of a row: what uv calls it
REQUIREMENTS = {"lowest": "lowest-direct", "highest": "highest"}
HEADER = ["Python", "requirements", "TensorFlow", "Keras", "NumPy", "passed", "failed"]
VERSIONS = """
import importlib.metadata, platform
print(platform.python_version(), *map(importlib.metadata.version, ("tensorflow", "keras", "numpy")))
"""


def uv(*words):
    """Run a command of uv.

    Raises:
        UserError: there is no uv, or the command fails. It has said why.
    """
    program = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
    if program is None:
        raise UserError("expected the program uv, which is not installed: pip install uv")
    if subprocess.run([program, "--quiet", *words], check=False).returncode:
        raise UserError(f"uv {' '.join(map(str, words))}: expected it to succeed, and it fails")


def installed(folder, clone, python, resolution):
    """Make an environment in `folder` for the tests of the `clone`, and return its interpreter."""
    program = folder / "bin/python"
    uv("venv", f"--python={python}", folder)
    uv("pip", "install", f"--python={program}", f"--resolution={resolution}", "-r", clone / "requirements-test.txt")
    return program


def row(program, clone, requirements):
    """Return the cells of an environment, given its interpreter and the name of its requirements."""
    found = subprocess.run([program, "-c", VERSIONS], capture_output=True, encoding="utf-8", check=True).stdout
    python, *packages = found.split()
    return [python, requirements, *packages, *map(str, tests(program, clone))]


def tests(program, clone):
    """Run the fast tests of the `clone` with this interpreter; return how many passed and how many failed.

    Raises:
        UserError: they did not run.
    """
    command = [program, "-m", "pytest", "-n", "auto", "-m", "not slow", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=clone, capture_output=True, encoding="utf-8", check=False)
    lines = [*done.stderr.splitlines(), *done.stdout.splitlines()]
    for line in lines:
        if line.startswith(("FAILED", "ERROR")):
            print(line, file=sys.stderr)
    counts = {name: int(count) for count, name in re.findall(r"(\d+) (passed|failed|error)", lines[-1])}
    if done.returncode > 1 or not counts:
        raise UserError(f"{program}: expected the tests to run, got: {lines[-1]}")
    return counts.get("passed", 0), counts.get("failed", 0) + counts.get("error", 0)


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    with tempfile.TemporaryDirectory() as place:
        clone = Path(place) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        environments = {
            (python, name): installed(Path(place) / f"{python}-{name}", clone, python, resolution)
            for python in PYTHONS
            for name, resolution in REQUIREMENTS.items()
        }
        rows = []
        for (_, name), program in environments.items():
            rows.append(row(program, clone, name))
            publish("versions", HEADER, rows)  # what is known so far


if __name__ == "__main__":
    run(main)

"""Which mistakes the tests do not see:  python -m benchmarks.mutants

Plants one mistake at a time in a copy of the repository: another sign, constant, comparison or count, or a term less.
The fast tests of that file run, then, if they pass, the slow ones. Mistakes with which all pass are printed. Some of
these change nothing that matters, so read them.
"""

import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from tqdm import tqdm

from config.command_line import Parser
from config.schema import ROOT, Key
from config.system.errors import UserError, run

DEFAULTS = "test_config::TestTablesAgree::test_defaults_of_constructors"
# file: the tests that matter to it
TESTS = {
    "losses/dft.py": ("test_losses", "test_tiles"),
    "losses/kl.py": ("test_losses",),
    "losses/pixel.py": ("test_losses",),
    "losses/spectral.py": ("test_losses", "test_tiles"),
    "losses/ssim.py": ("test_losses", "test_tiles"),
    "losses/tiles.py": ("test_losses", "test_tiles"),
    "losses/windows.py": ("test_losses", "test_tiles"),
    "losses/weighted_sum.py": ("test_losses",),
    "measurements/base.py": ("test_measurements", "test_ambient_vae_gan"),
    "measurements/masks.py": ("test_measurements",),
    "measurements/noise.py": ("test_measurements",),
    "models/ambient_vae_gan.py": ("test_ambient_vae_gan", DEFAULTS),
    "models/blur_error_vae.py": ("test_blur_error_vae", DEFAULTS),
    "models/latent.py": ("test_models", "test_target_kl", DEFAULTS),
    "models/precision.py": ("test_precision",),
    "models/vae.py": ("test_models",),
    "models/wiener.py": ("test_blur_error_vae",),
    "training/cyclical.py": ("test_training", DEFAULTS),
    "training/loop.py": ("test_training", "test_sweep"),
    "training/callbacks.py": ("test_training",),
    "data/arrays.py": ("test_data",),
    "data/batches.py": ("test_data",),
    "data/idx.py": ("test_data", "test_limits"),
    "data/picture_file.py": ("test_data", "test_pictures", "test_given_pictures"),
    "data/picture_folder.py": ("test_pictures",),
    "evaluation/bootstrap.py": ("test_comparison",),
    "evaluation/scoring.py": ("test_evaluation",),
    "evaluation/metrics/__init__.py": ("test_evaluation", "test_blur"),
    "evaluation/metrics/blur.py": ("test_blur", "test_figures"),
    "evaluation/metrics/fid.py": ("test_perceptual",),
}
SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "local", "logs")
# a mistake may make a loop endless
SECONDS = 900
COUNT = Key(int, "mistakes, spread over the files", low=1, high=100_000)
SEED = Key(int, "seed of their choice", low=0)


class Mutant(NamedTuple):
    """A mistake in one line of a file."""

    file: str
    line: int
    before: str
    after: str
    source: bytes  # the file with the mistake


def mutants(file, source):
    """Return every Mutant of the `source`, bytes, of a file."""
    tree = ast.parse(source)
    in_text = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    nodes = [node for node in ast.walk(tree) if id(node) not in in_text]
    return [planted(file, source, node, other) for node in nodes for other in mistakes(node)]


def mistakes(node):
    """Return what a node of the syntax tree may be mistaken for, as source."""
    if getattr(node, "lineno", 0) != getattr(node, "end_lineno", 1):
        return []
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return [repr(node.value + 1) if type(node.value) is int else repr(1.5 * node.value or 1.0)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [f"({ast.unparse(node.operand)})"]
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        swapped = ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)
        less = [node.left] if isinstance(node.op, ast.Add | ast.Sub) else []
        return [f"({ast.unparse(one)})" for one in (swapped, *less)]
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPS:
        return [f"({ast.unparse(ast.Compare(node.left, [SWAPS[type(node.ops[0])]()], node.comparators))})"]
    return []


def planted(file, source, node, other):
    """Return the Mutant of a file's `source` in which `other` stands in the place of a node."""
    lines = source.splitlines(keepends=True)
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = line[: node.col_offset] + other.encode() + line[node.end_col_offset :]
    before, after = (text.decode().strip() for text in (line, lines[node.lineno - 1]))
    return Mutant(file, node.lineno, before, after, b"".join(lines))


def chosen(count, seed):
    """Return `count` Mutants, as many of each file as of any other or one more, in a random choice."""
    generator, files = random.Random(seed), list(TESTS)
    generator.shuffle(files)
    found = []
    for i, file in enumerate(files):
        every = mutants(file, (ROOT / file).read_bytes())
        share = count // len(files) + (i < count % len(files))
        found += generator.sample(every, min(share, len(every)))
    return found


def passes(folder, file, kind="not slow"):
    """Whether the tests of a file, "slow" or "not slow", pass in the copy of the repository in `folder`."""
    tests = ["::".join([f"tests/{name}.py", *parts]) for name, *parts in (one.split("::") for one in TESTS[file])]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", kind, "-p", "no:cacheprovider", *tests]
    # a file written twice in a second would be read from the bytecode of the first
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def survivors(folder, planned):
    """Return the Mutants of `planned` with which the tests pass, in the copy of the repository in `folder`.

    Raises:
        UserError: the tests of a file fail without a mistake.
    """
    for file in tqdm(dict.fromkeys(one.file for one in planned), "without a mistake"):
        if not passes(folder, file):
            raise UserError(f"{file}: expected its tests to pass without a mistake, and they fail")
    found = []
    for one in tqdm(planned, "with one"):
        (folder / one.file).write_bytes(one.source)
        if passes(folder, one.file) and passes(folder, one.file, "slow"):
            found.append(one)
        (folder / one.file).write_bytes((ROOT / one.file).read_bytes())
    return found


def main(argv):
    """Print the mistakes that no test sees, and how many were planted."""
    parser = Parser(__doc__)
    parser.add_value("count", COUNT, 64)
    parser.add_value("seed", SEED, 0)
    flags = parser.parse(argv)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(ROOT, Path(place) / "copy", ignore=NOT_COPIED))
        planned = chosen(flags.count, flags.seed)
        found = survivors(folder, planned)
    for one in found:
        print(f"{one.file}:{one.line}\n  {one.before}\n  {one.after}")
    print(f"{len(found)} of {len(planned)} mistakes survive")


if __name__ == "__main__":
    run(main)

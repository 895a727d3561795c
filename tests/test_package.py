"""The package deblur_losses: its wheel, built here and used outside the clone."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow
# a project of someone else, whose modules are named as those of this clone
OTHER_PROJECT = {
    "config.py": "raise ImportError('this is the config of someone else')",
    "data/__init__.py": "raise ImportError('this is the data of someone else')",
    "models/__init__.py": "",
}
TRAIN = """
import sys, keras, numpy as np, deblur_losses
assert not {"losses", "config", "data", "yaml"} & {*sys.modules}
x = np.random.default_rng(0).random((2, 4, 28, 28, 1)).astype("float32")
model = keras.Sequential([keras.Input([28, 28, 1]), keras.layers.Conv2D(1, 3, padding="same")])
model.compile("adam", loss=deblur_losses.build("ours-corrected", stft_f=8), metrics=[deblur_losses.build("l2+ssim")])
model.fit(*x, verbose=0)
model.save("model.keras")
np.savez("outside.npz", loss=model.evaluate(*x, verbose=0)[0], x=x)
"""
LOAD = """
import keras, numpy as np, {package}
kept = np.load("outside.npz")
model = keras.models.load_model("model.keras")
np.testing.assert_allclose(model.evaluate(*kept["x"], verbose=0)[0], kept["loss"], rtol=1e-5)
model.save("model.keras")
"""


# what an example prints: the number that is to change, before and after
PRINTED = {
    "keras_autoencoder": r"edges ([\d.]+) .*?edges ([\d.]+) ",
    "keras_on_pytorch": r"backend torch: .* images ([\d.]+), .* model's ([\d.]+)$",
    "pytorch_loop": r"step 0: loss ([\d.]+) .*step 100: loss ([\d.]+) ",
}


def python(code, folder, *paths):
    """Run `code` in a process of its own in `folder`, with `paths` to import from; return what it prints."""
    # one thread for each product of PyTorch: on a busy machine its threads wait for each other
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built by the build backend that pyproject.toml names, from a copy of the clone."""
    clone, out = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("out")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    shutil.copytree(ROOT / "losses", clone / "losses", ignore=shutil.ignore_patterns("__pycache__"))
    python(f"from setuptools.build_meta import build_wheel; build_wheel({str(out)!r})", clone)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder to import deblur_losses from: a wheel of pure Python is installed by unpacking it."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_what_the_wheel_holds(wheel):
    """The modules of losses/, the licence, and dependencies on numpy and keras only; less than 1 MB."""
    assert wheel.stat().st_size < 1e6
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    modules = {name for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert modules == {f"deblur_losses/{path.name}" for path in (ROOT / "losses").glob("*.py")}
    assert any(name.endswith("LICENSE") for name in names)
    required = [line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert [line.rstrip("<>=,.0123456789") for line in required] == ["keras", "numpy"]
    assert "Requires-Python: >=3.11\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata


def test_the_wheel_outside_the_clone(installed, tmp_path):
    """Beside someone else's config.py, data/ and models/; and what one package saves, the other loads."""
    for name, text in OTHER_PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    python(TRAIN, tmp_path, installed)
    python(LOAD.format(package="losses"), tmp_path, ROOT)
    python(LOAD.format(package="deblur_losses"), tmp_path, installed)


@pytest.mark.parametrize("name", PRINTED)
def test_the_examples(name, installed, tmp_path):
    """A page each, with nothing but the wheel and a backend: the edges grow, the losses fall by half."""
    code = (ROOT / f"examples/{name}.py").read_text(encoding="utf-8")
    assert len(code.splitlines()) <= 60
    imported = {line.split()[1].split(".")[0] for line in re.findall(r"^(?:import|from) .*", code, re.M)}
    assert imported <= {"os", "keras", "numpy", "torch", "deblur_losses"}
    if "torch" in code and find_spec("torch") is None:
        pytest.skip(f"expected the package torch for {name}.py, which is not installed")
    before, after = map(float, re.search(PRINTED[name], python(code, tmp_path, installed), re.S).groups())
    assert after > 1.2 * before if name == "keras_autoencoder" else after < 0.5 * before


def test_there_is_no_other_example():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == {*PRINTED}

"""The notebook docs/tour.ipynb: it runs from top to bottom, and what it holds is what it gives."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "docs/tour.ipynb"
LARGEST = 300_000  # bytes


def code(path):
    """The cells of a notebook that hold code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def pixels(output):
    """The pixels of an output that is a picture."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))).convert("L"), np.float32)


def test_it_is_small_and_was_run_from_top_to_bottom():
    cells = code(TOUR)
    assert TOUR.stat().st_size < LARGEST
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert sum(output["output_type"] == "display_data" for output in outputs) == 4
    assert all(pixels(output).std() > 20 for output in outputs if output["output_type"] == "display_data")
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|usr|Users)/", TOUR.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(tmp_path):
    """In the folder of the notebook, as Jupyter does, with few images to train on."""
    copy = Path(shutil.copy(TOUR, tmp_path))
    command = [sys.executable, ROOT / "tests/notebook.py", copy]
    done = subprocess.run(
        command, cwd=TOUR.parent, env=os.environ | {"TOUR_IMAGES": "100"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for held, found in zip(code(TOUR), code(copy), strict=True):
        assert [one["output_type"] for one in held["outputs"]] == [one["output_type"] for one in found["outputs"]]
        is_of_training = "trained" in "".join(held["source"])
        for one, other in zip(held["outputs"], found["outputs"], strict=True):
            assert "text" not in one or is_of_training or one["text"] == other["text"]
            if "data" in one and not is_of_training:
                np.testing.assert_allclose(pixels(one).mean(), pixels(other).mean(), atol=1)

"""The most memory that a command takes on much data:  python -m benchmarks.memory

Whole processes: 10,000 samples, 10,000 pictures of digits through `image` and through `restore`, and a training on
pictures that would fill more than a quarter of the machine's memory if they were held decoded.
"""

import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks import publish
from config.command_line import Parser
from config.system import machine
from config.system.errors import run
from data.picture_folder import MEMORY_SHARE

COUNT = 10_000
SIDE = 256
# files of a folder are names of so many different pictures
DIFFERENT = 100


def write_pictures(folder, count, shape):
    """Write `count` pictures of random values and of `shape` [H, W] or [H, W, 3] into a new folder."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    for i in tqdm(range(count), folder.name, unit="file"):
        path = folder / f"{i}.png"
        if i < DIFFERENT:
            Image.fromarray(generator.integers(0, 100, shape, np.uint8)).save(path)
        else:
            os.link(folder / f"{i % DIFFERENT}.png", path)


def peak(arguments):
    """Return the most memory, in bytes, that Python took with `arguments`."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # for Popen has not waited
    if status:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    return usage.ru_maxrss * 1024


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    many = math.floor(MEMORY_SHARE * machine.memory() / (SIDE * SIDE * 3)) + 1
    with tempfile.TemporaryDirectory() as place:
        digits, large = Path(place) / "digits", Path(place) / "large"
        write_pictures(digits, COUNT, (28, 28))
        write_pictures(large, many, (SIDE, SIDE, 3))
        out = f"--out_dir={place}"
        folders = [f"--{name}={place}" for name in ("model_dir", "logs_dir", "results_dir")]
        source = ["--dataset=image_folder", f"--data_dir={large}", f"--image_size={SIDE}", "--train_size=500"]
        commands = {
            'python -c "import tensorflow"': ["-c", "import tensorflow"],
            f"generate.py, {COUNT:,} samples": ["generate.py", "--loss=ours", f"--num_samples={COUNT}", out],
            f"evaluate.py image, {COUNT:,} pictures": ["evaluate.py", "image", "--loss=ours", f"--image={digits}", out],
            f"evaluate.py restore, {COUNT:,} pictures": [
                *("evaluate.py", "restore", "--loss=ambient_drop_patch", f"--image={digits}", out)
            ],
            f"train.py, a folder of {many:,} pictures of {SIDE} pixels": [
                *("train.py", *source, "--test_size=100", "--loss=l2", "--epochs=1", "--latent_dim=64", *folders)
            ],
        }
        rows = [[name, f"{peak(arguments) / 2**30:.2f} GiB"] for name, arguments in commands.items()]
    publish("memory", ["command", "most memory"], rows)


if __name__ == "__main__":
    run(main)

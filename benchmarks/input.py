"""What reading the next batch takes beside the step:  python -m benchmarks.input

Two rows, each for batches of 5, 50 and 500. Digits, which are in memory: the time to read a batch, as a share of the
time of a step of l2, taken in turns with it. Pictures, 20,000 JPEG files of 178 x 218 pixels that are decoded whenever
they are used: the share of its time for which a training of conv64 with l2 waits for the next batch.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from benchmarks.step import first_digits, train_step
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

BATCHES = (5, 50, 500)
FILES, WIDTH, HEIGHT, SIDE = 20_000, 178, 218, 64
SECONDS = 20


def share_of_step(images, size):
    """The time to read a batch of digits in memory, as a share of the time of a step of l2."""
    import losses
    from data import batches

    endless = iter(batches.epoch(images, size, 0, 0).repeat())
    found = times({"batch": lambda: next(endless), "step": train_step(losses.build("l2"), first_digits(size))})
    return ratio(found["batch"], found["step"])


def write_pictures(folder):
    """Write FILES random pictures into a folder and return their paths."""
    rng, paths = np.random.default_rng(0), [Path(folder) / f"{i}.jpg" for i in range(FILES)]
    for path in tqdm(paths, "pictures", unit="file"):
        coarse = Image.fromarray(rng.integers(0, 256, [24, 20, 3], np.uint8))
        coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(path)
    return paths


def share_of_waiting(paths, size):
    """The share of its time for which a training on picture files waits for batches, over about SECONDS."""
    import tensorflow as tf

    import config
    from data import batches
    from data.picture_folder import Pictures
    from training import loop

    model = loop.compiled(config.resolve({"architecture": "conv64", "loss": "l2", "latent_dim": 64}), (SIDE, SIDE, 3))
    step = tf.function(model.step, autograph=False)
    endless = iter(batches.epoch(Pictures(paths, (SIDE, SIDE, 3)), size, 0, 0).repeat())
    step(next(endless))
    waited, begin = 0, time.perf_counter()
    while time.perf_counter() < begin + SECONDS:
        asked = time.perf_counter()
        batch = next(endless)
        waited += time.perf_counter() - asked
        bool(step(batch))
    return waited / (time.perf_counter() - begin)


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    import data

    images = data.load("mnist", "train").images
    read = [f"{100 * share_of_step(images, size):.1f} %" for size in BATCHES]
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(folder)
        waiting = [f"{100 * share_of_waiting(paths, size):.1f} %" for size in BATCHES]
    rows = [
        ["digits in memory: reading, of a step's time", *read],
        ["pictures in files: waiting, of all time", *waiting],
    ]
    publish("input", ["next batch", *(f"batch {size}" for size in BATCHES)], rows)


if __name__ == "__main__":
    run(main)

"""The whole training against its own step:  python -m benchmarks.loop

For batches of 5, 50 and 100: the time of a step of train.py with everything on (order, gathering, log, scores,
pictures, checkpoints, bar), in steps of its compiled graph on one batch. Both are taken in turns, in a process for each
size of batch, with `ours` and the other keys at their defaults.
"""

import contextlib
import io
import multiprocessing
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from unittest import mock

import config
from benchmarks import publish
from benchmarks.interleaved import ratio, seconds
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

BATCHES = (5, 50, 100)
# steps of a turn: by default, everything beside the steps comes at least once in 1,200 of them
STEPS, ROUNDS, DIGITS = 1200, 3, 60_000
# the first steps of a training do not count, because the graph is made there
FIRST = 50


def seconds_in_training(settings):
    """The mean time of a step of a training, without its first steps, in seconds."""
    from training import callbacks, loop

    moves = []

    class Clock(callbacks.ProgressBar):
        def move(self, step):
            super().move(step)
            moves.append((step, time.perf_counter()))

    with mock.patch.object(callbacks, "ProgressBar", Clock), contextlib.redirect_stderr(io.StringIO()):
        loop.train(settings, overwrite=True)
    first, last = next(move for move in moves if move[0] >= FIRST), moves[-1]
    return (last[1] - first[1]) / (last[0] - first[0])


def compiled_step(settings):
    """A function that takes a step of the compiled graph on the first batch of digits."""
    import tensorflow as tf

    from data import batches
    from training import loop

    settings, images, _ = loop.prepare(settings)
    model = loop.compiled(settings, images.shape[1:])
    step, batch = tf.function(model.step, autograph=False), batches.to_float(images[: settings.batch_size])
    return lambda: bool(step(batch))


def compare(size):
    """The times of a step in training and of the compiled step, two lists of ROUNDS, in seconds."""
    import_tensorflow()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        places = dict.fromkeys(("model_dir", "results_dir", "logs_dir"), folder)
        images = min(DIGITS, size * STEPS)
        settings = config.resolve(
            {"batch_size": size, "train_size": images, "epochs": size * STEPS // images, **places}
        )
        seconds_in_training(settings)
        step = compiled_step(settings)
        seconds(step, STEPS // 10)
        for _ in range(ROUNDS):
            found.append((seconds_in_training(settings), seconds(step, STEPS)))
    return list(zip(*found, strict=True))


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    rows = []
    for size in BATCHES:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            training, step = process.submit(compare, size).result()
        times = (f"{1e3 * statistics.median(values):.1f}" for values in (training, step))
        rows.append([str(size), *times, f"{ratio(training, step):.2f}"])
    publish("loop", ["batch", "train.py, ms a step", "compiled step, ms", "train.py / compiled step"], rows)


if __name__ == "__main__":
    run(main)

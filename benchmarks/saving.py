"""What saving costs:  python -m benchmarks.saving  (steps and saves interleaved, medians).

Prints, for the default configuration, the time of a training step, of a save (log, state and
weights, flushed to the disk) and of a measurement, and each one's share of a whole run.
"""

import statistics
import tempfile
import time
from types import SimpleNamespace

import config
from config.runtime import import_tensorflow

ROUNDS, STEPS = 15, 40


def seconds(action, times=1):
    """The mean time of `action` over a few calls."""
    begin = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - begin) / times


def main():
    """Print the table."""
    import_tensorflow()
    import tensorflow as tf

    import data
    from data.batches import to_float
    from training import callbacks, loop

    with tempfile.TemporaryDirectory() as folder:
        settings = config.resolve({"model_dir": folder, "results_dir": folder, "logs_dir": folder})
        images = data.load("mnist", "train").images
        model = loop.compiled(settings, images.shape[1:])
        steps_per_epoch = len(images) // settings.batch_size
        monitor = callbacks.Monitor(images[: settings.monitor_size], 1, steps_per_epoch)
        log = callbacks.Log(loop.paths(settings), monitor, 1, steps_per_epoch)
        # the log of a whole run, so that the last save is measured, not the first
        log.rows = [{"step": i, "loss": 1.0} for i in range(settings.epochs * steps_per_epoch // settings.log_freq)]
        saver = callbacks.Saver(loop.paths(settings), settings, log, 1, steps_per_epoch)
        for callback in (monitor, saver):
            callback.set_model(model)
        batch = to_float(tf.constant(images[: settings.batch_size]))
        step = tf.function(model.train_step, autograph=False)
        actions = {
            "step": (lambda: step(batch), STEPS, 1),
            "save": (lambda: saver.act(0), 1, settings.save_model_freq),
            "measure": (lambda: monitor.act(0, None), 1, settings.test_freq),
        }
        times = {name: [] for name in actions}
        for _ in range(ROUNDS):
            for name, (action, count, _every) in actions.items():
                times[name].append(seconds(action, count))
        for name, (_action, _count, every) in actions.items():
            ratio = statistics.median(t / s for t, s in zip(times[name][1:], times["step"][1:], strict=True))
            line = SimpleNamespace(ms=1e3 * statistics.median(times[name]), share=100 * ratio / every)
            print(f"{name:8} {line.ms:8.2f} ms, every {every:5} steps: {line.share:6.2f} % of the steps' time")


if __name__ == "__main__":
    main()

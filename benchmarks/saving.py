"""What saving costs:  python -m benchmarks.saving  (steps and saves interleaved, medians).

Prints, for the default configuration, the time of a training step, of a save (log, state and
weights, flushed to the disk) and of a measurement, and each one's share of a whole run.
"""

import statistics
import tempfile

import config
from benchmarks.interleaved import ratio, times
from config.runtime import import_tensorflow


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
        row = dict.fromkeys(("step", "epoch", "learning_rate", *model.trackers, "test_psnr", "test_ssim"), 0.12345678)
        log.rows = [row] * (settings.epochs * steps_per_epoch // settings.log_freq)
        saver = callbacks.Saver(loop.paths(settings), settings, log, 1, steps_per_epoch)
        for callback in (monitor, saver):
            callback.set_model(model)
        batch = to_float(tf.constant(images[: settings.batch_size]))
        step = tf.function(model.train_step, autograph=False)
        actions = {"step": lambda: step(batch), "save": lambda: saver.act(0), "measure": lambda: monitor.act(0, None)}
        found = times(actions)
        for name, every in (("step", 1), ("save", settings.save_model_freq), ("measure", settings.test_freq)):
            share = 100 * ratio(found[name], found["step"]) / every
            milliseconds = 1e3 * statistics.median(found[name])
            print(f"{name:8} {milliseconds:8.2f} ms, every {every:5} steps: {share:6.2f} % of the steps' time")


if __name__ == "__main__":
    main()

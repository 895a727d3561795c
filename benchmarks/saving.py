"""What saving costs:  python -m benchmarks.saving  (steps and saves interleaved, medians).

For the default configuration, what a save (log, state and weights, flushed to the disk) and a
measurement of 1,000 images add to the time of a run.
"""

import tempfile

import config
from benchmarks import publish
from benchmarks.interleaved import ratio, times
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    import tensorflow as tf

    from data.batches import to_float
    from models import runs
    from training import callbacks, loop

    with tempfile.TemporaryDirectory() as folder:
        given = {"model_dir": folder, "results_dir": folder, "logs_dir": folder}
        settings, images, _ = loop.prepare(config.resolve(given))
        model = loop.compiled(settings, images.shape[1:])
        monitor = callbacks.Monitor(model, images[: settings.monitor_size], 1)
        log = callbacks.Log(model, runs.files(settings), monitor, 1, config.steps_per_epoch(settings))
        # the log of a whole run, so that the last save is measured, not the first
        row = dict.fromkeys(("step", "epoch", "learning_rate", *model.trackers, "test_psnr", "test_ssim"), 0.12345678)
        log.rows = [row] * (config.total_steps(settings) // settings.log_freq)
        saver = callbacks.Saver(model, runs.files(settings), settings, log, 1)
        batch = to_float(tf.constant(images[: settings.batch_size]))
        step = tf.function(model.train_step, autograph=False)
        actions = {"step": lambda: step(batch), "save": lambda: saver.act(0), "measure": lambda: monitor.act(0)}
        found = times(actions)
    rows = []
    for name, every in (("save", settings.save_model_freq), ("measure", settings.test_freq)):
        share = ratio(found[name], found["step"]) / every
        rows.append([name, f"every {every:,} steps", f"{100 * share:.2f} %"])
    publish("saving", ["", "when", "share of the steps' time"], rows)


if __name__ == "__main__":
    run(main)

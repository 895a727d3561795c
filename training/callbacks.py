"""What happens beside the optimisation: scores, log, pictures, files, stopping.

Everything depends on the number of the step and not on Keras's epochs. So a run that was interrupted and resumed
does the same things at the same steps as one that was not.
"""

import csv
import io
import signal
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

import config
from config.system.files import write_atomically
from data.batches import to_float
from evaluation import grids
from evaluation.metrics.quality import reconstruction_quality
from models import checkpoint
from training import state


class AtSteps(keras.callbacks.Callback):
    """Calls `act(step, logs)` every `frequency` steps, and at the last step of each epoch."""

    def __init__(self, frequency, steps_per_epoch):
        super().__init__()
        self.frequency, self.steps_per_epoch = frequency, steps_per_epoch

    def on_train_batch_end(self, batch, logs=None):
        """Act if the step is due."""
        step = int(self.model.optimizer.iterations)
        if self.is_due(step):
            self.act(step, logs)

    def is_due(self, step):
        """Whether this callback acts at `step`."""
        return step % self.frequency == 0 or step % self.steps_per_epoch == 0

    def act(self, step, logs):
        """Act at `step`; `logs` holds the running means. A subclass writes this."""
        raise NotImplementedError


class Monitor(AtSteps):
    """Keeps PSNR and SSIM of a few test images in `latest`, for the bar and the log."""

    def __init__(self, images, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.images, self.latest = images, {}

    def act(self, step, logs):
        """Score the images."""
        quality = reconstruction_quality(self.model, self.images)
        self.latest = {f"test_{name}": float(np.mean(quality[name])) for name in ("psnr", "ssim")}


class Log(AtSteps):
    """Adds rows to metrics.csv and TensorBoard: every running mean, the learning rate, and any new scores.

    A mean runs from one row to the next. The scores of a row are the latest since the row before.
    """

    def __init__(self, files, monitor, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.path, self.monitor, self.rows = files.metrics, monitor, []
        self.writer = tf.summary.create_file_writer(str(files.logs))

    def act(self, step, logs):
        """Add a row, and start the means again."""
        place = {"step": step, "epoch": step / self.steps_per_epoch}
        rate = {"learning_rate": float(self.model.optimizer.learning_rate)}
        means = {name: float(logs[name]) for name in self.model.trackers}
        since = self.rows[-1]["step"] if self.rows else 0
        has_scores = any(self.monitor.is_due(earlier) for earlier in range(since + 1, step + 1))
        row = place | rate | means | (self.monitor.latest if has_scores else {})
        self.rows.append(row)
        self.model.reset_metrics()
        with self.writer.as_default(step):
            for name, value in row.items():
                tf.summary.scalar(name, value)

    def save(self):
        """Write all rows as CSV."""
        text = io.StringIO()
        table = csv.DictWriter(text, max(self.rows, key=len, default={}), restval="", lineterminator="\n")
        table.writeheader()
        table.writerows({name: f"{value:.7g}" for name, value in row.items()} for row in self.rows)
        write_atomically(self.path, text.getvalue().encode())
        self.writer.flush()


class SampleGrid(AtSteps):
    """Writes samples of the prior, always decoded from the same latents, as PNG and to TensorBoard."""

    def __init__(self, path, log, num_samples, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.path, self.log, self.num_samples = Path(path), log, num_samples

    def act(self, step, logs):
        """Decode and write them."""
        grid = grids.grid(self.model.sample(self.num_samples))
        grids.save(self.path, grid)
        with self.log.writer.as_default(step):
            tf.summary.image("samples", grid[None])


class ModelGrids(AtSteps):
    """Writes what the model itself shows of a few images, as PNG and to TensorBoard."""

    def __init__(self, folder, images, log, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.folder, self.images, self.log = folder, to_float(images), log

    def act(self, step, logs):
        """Ask the model and write it."""
        for name, tiles in self.model.pictures(self.images).items():
            grid = grids.grid(tiles.numpy())
            grids.save(self.folder / f"{name}.png", grid)
            with self.log.writer.as_default(step):
                tf.summary.image(name, grid[None])


class Evolution(AtSteps):
    """Keeps what the model tells about a few images at the end of each epoch, in one file that grows.

    An epoch that is trained a second time, after an interruption, replaces what was kept of it.
    """

    def __init__(self, path, images, steps_per_epoch):
        super().__init__(steps_per_epoch, steps_per_epoch)
        self.path, self.images = path, np.asarray(images)

    def act(self, step, logs):
        """Add this epoch."""
        epoch = step // self.steps_per_epoch
        kept = {name: np.asarray(values)[None] for name, values in self.model.evolution(to_float(self.images)).items()}
        if not kept:
            return
        kept["epoch"] = np.array([epoch])
        if epoch > 1 and self.path.exists():
            before, _ = checkpoint.read(self.path)
            earlier = before["epoch"] < epoch
            kept = {name: np.concatenate([before[name][earlier], values]) for name, values in kept.items()}
        checkpoint.write(self.path, kept | {"images": self.images})


class Saver(AtSteps):
    """Writes the log, the state from which the training can continue, and the weights.

    The state comes before the weights. So a folder whose weights are those of an unfinished run always has the state
    of that run too.
    """

    def __init__(self, files, settings, log, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.files, self.settings, self.log = files, settings, log

    def act(self, step, logs=None):
        """Write them."""
        self.log.save()
        state.save(self.files.state, self.model, self.settings, self.log)
        checkpoint.save_model(self.files.model, self.model, self.settings, step=step)


class ProgressBar(keras.callbacks.Callback):
    """A tqdm bar over the images of the whole run, with loss, PSNR and SSIM."""

    def __init__(self, step, settings, monitor):
        super().__init__()
        self.settings, self.monitor = settings, monitor
        total = settings.epochs * settings.train_size
        done = step // config.steps_per_epoch(settings) * settings.train_size
        done += step % config.steps_per_epoch(settings) * settings.batch_size
        self.bar = tqdm(total=total, initial=done, unit="img", unit_scale=True, dynamic_ncols=True, mininterval=0.5)

    def on_epoch_begin(self, epoch, logs=None):
        """Name the epoch."""
        self.bar.set_description(f"epoch {epoch + 1}/{self.settings.epochs}", refresh=False)

    def on_train_batch_end(self, batch, logs=None):
        """Move on by a batch. The numbers are read only when the bar is painted, which takes longer."""
        if self.bar.update(min(self.settings.batch_size, self.bar.total - self.bar.n)):
            self.bar.set_postfix({"loss": float(logs["loss"]), **self.monitor.latest}, refresh=False)


class Stop(keras.callbacks.Callback):
    """Ends the training after the current step when the process is interrupted or asked to end."""

    def __init__(self):
        super().__init__()
        self.requested = False

    def __enter__(self):
        self.previous = {number: signal.signal(number, self.request) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def request(self, number, frame):
        """Remember the signal, and put the earlier handlers back: a second signal acts at once."""
        self.requested = True
        self.__exit__()

    def on_train_batch_end(self, batch, logs=None):
        """End here if it was asked for."""
        self.model.stop_training = self.model.stop_training or self.requested

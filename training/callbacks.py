"""What happens beside the optimisation: measuring, logging, drawing, saving, stopping.

Everything is keyed to the step number, never to Keras's epochs, so that a run which was
interrupted and resumed does the same things at the same steps as one that was not.
"""

import csv
import io
import signal
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

import config as configuration
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
        """Act if the optimizer's step is one of ours."""
        step = int(self.model.optimizer.iterations)
        if self.is_due(step):
            self.act(step, logs)

    def is_due(self, step):
        """Whether `step` is one of ours."""
        return step % self.frequency == 0 or step % self.steps_per_epoch == 0

    def act(self, step, logs):
        """What a subclass does at `step`; `logs` holds the running means."""
        raise NotImplementedError


class Monitor(AtSteps):
    """Keeps PSNR and SSIM of a few test images in `latest`, for the bar and the log."""

    def __init__(self, images, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.images, self.latest = images, {}

    def act(self, step, logs):
        """Measure."""
        quality = reconstruction_quality(self.model, self.images)
        self.latest = {f"test_{name}": float(np.mean(quality[name])) for name in ("psnr", "ssim")}


class Log(AtSteps):
    """A row of every running mean, the learning rate and any new measurement: CSV and TensorBoard.

    The means run from one row to the next. A row has the latest measurement since the row before.
    """

    def __init__(self, files, monitor, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.path, self.monitor, self.rows = files.metrics, monitor, []
        self.writer = tf.summary.create_file_writer(str(files.logs))

    def act(self, step, logs):
        """Add a row, and begin new means."""
        place = {"step": step, "epoch": step / self.steps_per_epoch}
        rate = {"learning_rate": float(self.model.optimizer.learning_rate)}
        means = {name: float(logs[name]) for name in self.model.trackers}
        since = self.rows[-1]["step"] if self.rows else 0
        is_measured = any(self.monitor.is_due(earlier) for earlier in range(since + 1, step + 1))
        row = place | rate | means | (self.monitor.latest if is_measured else {})
        self.rows.append(row)
        self.model.reset_metrics()
        with self.writer.as_default(step):
            for name, value in row.items():
                tf.summary.scalar(name, value)

    def save(self):
        """Write the rows so far as CSV."""
        text = io.StringIO()
        table = csv.DictWriter(text, max(self.rows, key=len, default={}), restval="", lineterminator="\n")
        table.writeheader()
        table.writerows({name: f"{value:.7g}" for name, value in row.items()} for row in self.rows)
        write_atomically(self.path, text.getvalue().encode())
        self.writer.flush()


class SampleGrid(AtSteps):
    """Draws decoded samples of the prior, always of the same latents: PNG and TensorBoard."""

    def __init__(self, path, log, num_samples, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.path, self.log, self.num_samples = Path(path), log, num_samples

    def act(self, step, logs):
        """Draw."""
        picture = grids.grid(self.model.sample(self.num_samples))
        grids.save(self.path, picture)
        with self.log.writer.as_default(step):
            tf.summary.image("samples", picture[None])


class ModelGrids(AtSteps):
    """Draws the grids that the model itself makes of a few images: PNG and TensorBoard."""

    def __init__(self, folder, images, log, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.folder, self.images, self.log = folder, to_float(images), log

    def act(self, step, logs):
        """Draw."""
        for name, tiles in self.model.pictures(self.images).items():
            picture = grids.grid(tiles.numpy())
            grids.save(self.folder / f"{name}.png", picture)
            with self.log.writer.as_default(step):
                tf.summary.image(name, picture[None])


class Evolution(AtSteps):
    """Keeps what the model tells of a few images at the end of each epoch, in one file that grows.

    An epoch that is trained again, after an interruption, takes the place of what was kept of it.
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
    """Writes the log, the state from which the training can go on, the configuration and the weights.

    The state comes before the weights, so that a folder is known to hold an unfinished run from the
    moment on that its weights are that run's.
    """

    def __init__(self, files, config, log, frequency, steps_per_epoch):
        super().__init__(frequency, steps_per_epoch)
        self.files, self.config, self.log = files, config, log

    def act(self, step, logs=None):
        """Write them."""
        self.log.save()
        state.save(self.files.state, self.model, self.config, self.log)
        write_atomically(self.files.config, configuration.dump(self.config).encode())
        checkpoint.save_model(self.files.model, self.model, self.config, step=step)


class ProgressBar(keras.callbacks.Callback):
    """A tqdm bar over the images of the whole run, with loss, PSNR and SSIM."""

    def __init__(self, train_size, step, config, monitor):
        super().__init__()
        self.config, self.monitor = config, monitor
        total, done = config.epochs * train_size, min(step * config.batch_size, config.epochs * train_size)
        self.bar = tqdm(total=total, initial=done, unit="img", unit_scale=True, dynamic_ncols=True, mininterval=0.5)

    def on_epoch_begin(self, epoch, logs=None):
        """Name the epoch."""
        self.bar.set_description(f"epoch {epoch + 1}/{self.config.epochs}", refresh=False)

    def on_train_batch_end(self, batch, logs=None):
        """Move on by a batch; the numbers are read only when the bar is drawn anew."""
        if self.bar.update(min(self.config.batch_size, self.bar.total - self.bar.n)):
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
        """Remember the signal; the handlers that stood before are back, so a second one acts at once."""
        self.requested = True
        self.__exit__()

    def on_train_batch_end(self, batch, logs=None):
        """End here if it was asked for."""
        self.model.stop_training = self.model.stop_training or self.requested

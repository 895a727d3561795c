"""What happens beside the optimisation: scores, log, pictures, files, stopping.

Everything depends on the number of the step alone. So a run that was interrupted and resumed does the same things at
the same steps as one that was not.
"""

import csv
import io
import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

import config
from config.system import machine
from config.system.files import write_atomically
from data.batches import to_float
from evaluation import grids
from evaluation.scoring import score
from models import checkpoint
from training import devices, state


class AtSteps:
    """What acts on a model every `frequency` steps. It acts at the end of each epoch too."""

    def __init__(self, model, frequency):
        self.model, self.frequency = model, frequency

    def is_due(self, step):
        """Whether it acts at `step`, wherever the epoch ends."""
        return step % self.frequency == 0

    def next_due(self, step):
        """The first step after `step` that is due."""
        return (step // self.frequency + 1) * self.frequency

    def act(self, step):
        """Act at `step`. A subclass writes this."""
        raise NotImplementedError


class Monitor(AtSteps):
    """Keeps PSNR and SSIM of a few test images in `latest`, for the bar and the log."""

    def __init__(self, model, images, frequency):
        super().__init__(model, frequency)
        self.images, self.latest, self.step = images, {}, 0

    def act(self, step):
        """Score the images."""
        scores = score(self.model, self.images, ("psnr", "ssim"))
        self.step = step
        self.latest = {f"test_{name}": float(np.mean(scores[name])) for name in ("psnr", "ssim")}


class Log(AtSteps):
    """Adds rows to metrics.csv and TensorBoard: every running mean, the learning rate, and any new scores.

    A mean runs from one row to the next. The scores of a row are the latest since the row before.
    """

    def __init__(self, model, files, monitor, frequency, steps_per_epoch):
        super().__init__(model, frequency)
        self.steps_per_epoch = steps_per_epoch
        self.path, self.monitor, self.rows = files.metrics, monitor, []
        is_chief = devices.is_chief(model)
        self.writer = tf.summary.create_file_writer(str(files.logs)) if is_chief else tf.summary.create_noop_writer()

    def act(self, step):
        """Add a row, and start the means again."""
        place = {"step": step, "epoch": step / self.steps_per_epoch}
        rate = {"learning_rate": float(self.model.optimizer.learning_rate)}
        means = {name: float(tracker.result()) for name, tracker in self.model.trackers.items()}
        since = self.rows[-1]["step"] if self.rows else 0
        row = place | rate | means | (self.monitor.latest if self.monitor.step > since else {})
        self.rows.append(row)
        for tracker in self.model.trackers.values():
            tracker.reset_state()
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

    def __init__(self, model, path, log, num_samples, frequency):
        super().__init__(model, frequency)
        self.path, self.log, self.num_samples = Path(path), log, num_samples

    def act(self, step):
        """Decode and write them."""
        grid = grids.grid(self.model.sample(self.num_samples))
        grids.save(self.path, grid)
        with self.log.writer.as_default(step):
            tf.summary.image("samples", grid[None])


class ModelGrids(AtSteps):
    """Writes what the model itself shows of a few images, as PNG and to TensorBoard."""

    def __init__(self, model, folder, images, log, frequency):
        super().__init__(model, frequency)
        self.folder, self.images, self.log = folder, to_float(images), log

    def act(self, step):
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

    def __init__(self, model, path, images, steps_per_epoch):
        super().__init__(model, steps_per_epoch)
        self.path, self.images = path, np.asarray(images)

    def act(self, step):
        """Add this epoch."""
        epoch = step // self.frequency
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

    def __init__(self, model, files, settings, log, frequency):
        super().__init__(model, frequency)
        self.files, self.settings, self.log = files, settings, log

    def act(self, step):
        """Write them."""
        self.log.save()
        state.save(self.files.state, self.model, self.settings, self.log)
        checkpoint.save_model(self.files.model, self.model, self.settings, step=step)


class ProgressBar:
    """A bar over the images of the whole run, with loss, PSNR and SSIM. Without a terminal, a line for each epoch.

    Of several machines, the chief has it.
    """

    def __init__(self, step, settings, model, monitor, log):
        self.settings, self.model, self.monitor, self.log = settings, model, monitor, log
        self.steps, self.first, self.begun = config.steps_per_epoch(settings), step, time.monotonic()
        self.is_chief, has_terminal = devices.is_chief(model), sys.stderr.isatty()
        total = settings.epochs * settings.train_size
        place = {"total": total, "initial": self.images(step), "unit": "img", "unit_scale": True}
        self.bar = tqdm(**place, dynamic_ncols=True, mininterval=0.5, disable=not (self.is_chief and has_terminal))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bar.close()

    def images(self, step):
        """The number of images in the first `step` steps; the last batch of an epoch may be short."""
        epoch, rest = divmod(step, self.steps)
        return epoch * self.settings.train_size + rest * self.settings.batch_size

    def move(self, step):
        """Move to `step`. The loss is read only when the bar is painted, which takes longer."""
        epoch = min(step // self.steps + 1, self.settings.epochs)
        self.bar.set_description(f"epoch {epoch}/{self.settings.epochs}", refresh=False)
        if self.bar.update(self.images(step) - self.bar.n):
            loss = float(self.model.trackers["loss"].result())
            self.bar.set_postfix({"loss": loss, **self.monitor.latest}, refresh=False)

    def say(self, step):
        """Without a terminal, print a line for the epoch that `step` ends, if it ends one, with its row of the log."""
        if not (self.bar.disable and self.is_chief and step % self.steps == 0):
            return
        seconds = time.monotonic() - self.begun
        left = seconds / (step - self.first) * (config.total_steps(self.settings) - step)
        row = {"loss": self.log.rows[-1]["loss"], **self.monitor.latest}
        values = ", ".join(f"{name} {value:.4g}" for name, value in row.items())
        times = f"{tqdm.format_interval(seconds)} gone, {tqdm.format_interval(left)} left"
        print(f"epoch {step // self.steps}/{self.settings.epochs}: {values}; {times}", file=sys.stderr, flush=True)


class Stop:
    """Remembers whether the process was interrupted or asked to end."""

    requested = False

    def __enter__(self):
        self.previous = machine.handle(dict.fromkeys(machine.STOPS, self.request))
        return self

    def __exit__(self, *_):
        machine.handle(self.previous)

    def request(self, number, frame):
        """Remember the signal, and put the earlier handlers back: a second signal acts at once."""
        self.requested = True
        self.__exit__()

"""A training run: from settings to a checkpoint, a log and a picture of samples."""

import contextlib
import math
from dataclasses import replace
from pathlib import Path

import keras

import config
import data
import models
from config.system.errors import UserError
from config.system.files import require_writable, write_atomically
from config.system.lock import only_writer
from config.system.runtime import use_threads_for
from data import batches
from models import checkpoint, runs
from training import callbacks, state
from training.cyclical import CyclicalLearningRate
from training.guard import Guard

# number of test images whose kernels and the like are kept from epoch to epoch
FOLLOWED = 4
OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}


def prepare(settings):
    """Return the complete settings of a run, its training images and its test images, uint8 [N, H, W, C].

    A number that is 0 in the settings, for "all images" or "half of the steps", becomes that number.

    Raises:
        UserError: there are fewer images than asked for, training would see the held-out ones, or the model is for
            other images.
    """
    if shape := data.shape_of_pictures(settings.dataset, settings.image_size):
        models.require_fit(settings, shape)
    found = []
    splits = {"train_size": "train" if settings.test_split == "test" else "rest", "test_size": settings.test_split}
    for name, split in splits.items():
        images = data.load(settings.dataset, split, settings.data_dir, settings.image_size).images
        size = getattr(settings, name) or len(images)
        if size > len(images):
            raise UserError(f"{name}: expected at most {len(images)} images of {settings.dataset}, got {size}")
        settings = replace(settings, **{name: size})
        found.append(images[:size])
    half_cycle = settings.lr_step_size or max(1, config.total_steps(settings) // 2)
    return replace(settings, lr_step_size=half_cycle), *found


def compiled(settings, image_shape):
    """Return the model of `settings` with its optimizers and every variable made, ready to train or to restore."""
    keras.utils.set_random_seed(settings.seed)
    model = models.build(settings, image_shape)
    model.compile(OPTIMIZERS[settings.optimizer](learning_rate(settings)), jit_compile=False)
    return model


def beginning(settings):
    """The checkpoint from which the run of `settings` starts, or None."""
    return settings.init_from.replace("{seed}", str(settings.seed)) or None


def learning_rate(settings):
    """Return the schedule of the learning rate."""
    max_lr, half_cycle, gamma = settings.max_lr, settings.lr_step_size, settings.lr_gamma
    if settings.lr_mode == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(max_lr, half_cycle, gamma)
    return CyclicalLearningRate(settings.min_lr, max_lr, half_cycle, settings.lr_mode, gamma)


def train(settings, resume=False, overwrite=False):
    """Train as `settings` say and return the complete settings, the model and its test images.

    With `resume`, continue from the saved state; with `overwrite`, replace an unfinished run. An interrupt ends the
    training after the current step, with its state saved.

    Raises:
        UserError: the settings do not fit the data, a folder cannot be written, or an unfinished run stands there.
    """
    files = runs.files(settings)
    runs.require_table(Path(settings.results_dir) / runs.TABLE)
    settings, images, test_images = prepare(settings)
    use_threads_for(settings.batch_size * math.prod(images.shape[1:3]))
    model = compiled(settings, images.shape[1:])
    if beginning(settings) and not resume:
        checkpoint.copy_weights(beginning(settings), model)
    folders = files.model.parent, files.metrics.parent, files.logs
    for folder in folders:
        require_writable(folder)
    with contextlib.ExitStack() as writers:
        for folder in {path.resolve() for path in folders}:
            writers.enter_context(only_writer(folder))
        if not (resume or overwrite):
            state.require_finished(files.state)
        if not resume:
            put_aside(files)
        fit(settings, files, model, batches.resident(model.training_set(images)), test_images, resume)
    return settings, model, test_images


def put_aside(files):
    """Keep the model of a finished run as the previous one, and delete the TensorBoard files of any earlier run."""
    if files.model.exists() and not state.has_unfinished_run(files.state):
        write_atomically(files.previous, files.model.read_bytes())
    for events in files.logs.glob("events.out.tfevents.*"):
        events.unlink()


def fit(settings, files, model, images, test_images, resume):
    """Train a compiled model to the last epoch, from the first step or from the saved state.

    Raises:
        KeyboardInterrupt: the training was asked to stop; the state is saved.
        UserError: a loss or a gradient was not finite, or a picture can no longer be read; the last state stays.
    """
    steps = config.steps_per_epoch(settings)
    monitor = callbacks.Monitor(test_images[: settings.monitor_size], settings.test_freq, steps)
    log = callbacks.Log(files, monitor, settings.log_freq, steps)
    saver = callbacks.Saver(files, settings, log, settings.save_model_freq, steps)
    acting = [
        Guard(files.failure, settings, images),
        monitor,
        log,
        callbacks.SampleGrid(files.samples, log, settings.num_samples, settings.visualise_freq, steps),
        callbacks.ModelGrids(
            files.samples.parent, test_images[: settings.num_samples], log, settings.visualise_freq, steps
        ),
        callbacks.Evolution(files.evolution, test_images[:FOLLOWED], steps),
        saver,
    ]
    if resume:
        acting.append(state.restore(files.state, model, log))

    step = int(model.optimizer.iterations)
    bar = callbacks.ProgressBar(step, settings, monitor)
    with bar.bar, callbacks.Stop() as stop:
        for epoch in range(step // steps, settings.epochs):
            first_step = int(model.optimizer.iterations) - epoch * steps
            ordered = batches.epoch(images, settings.batch_size, settings.seed, epoch, first_step)
            span = {"initial_epoch": epoch, "epochs": epoch + 1}
            with batches.all_readable(images):
                model.fit(ordered, **span, verbose=0, shuffle=False, callbacks=[*acting, bar, stop])
            if stop.requested:
                saver.act(int(model.optimizer.iterations))
                raise KeyboardInterrupt(f"saved in {files.state.parent}; the same command with --resume continues")
    if step == config.total_steps(settings):  # killed after its last step, perhaps before its last file
        saver.set_model(model)
        saver.act(step)

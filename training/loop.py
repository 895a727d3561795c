"""A training run: from a configuration to a checkpoint, a log and a grid of samples."""

import contextlib
import math
from pathlib import Path

import keras

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

# test images whose kernels and the like are kept from epoch to epoch
FOLLOWED = 4
OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}


def load_images(config):
    """The training images and the test images that `config` asks for, uint8 [N, H, W, C].

    A size of 0 asks for all there are and becomes their number in `config`, so that what is recorded
    of a run says what it was trained on.

    Raises:
        UserError: more images are asked for than there are, training would see the held-out ones, or
            the architecture is for other images.
    """
    if shape := data.shape_of_pictures(config.dataset, config.image_size):
        models.require_fit(config, shape)
    found = []
    splits = {"train_size": "train" if config.test_split == "test" else "rest", "test_size": config.test_split}
    for name, split in splits.items():
        images = data.load(config.dataset, split, config.data_dir, config.image_size).images
        size = getattr(config, name) or len(images)
        if size > len(images):
            raise UserError(f"{name}: expected at most {len(images)} images of {config.dataset}, got {size}")
        setattr(config, name, size)
        found.append(images[:size])
    return found


def compiled(config, image_shape):
    """The model of `config` with its optimizers, every variable made, ready to train or to restore."""
    keras.utils.set_random_seed(config.seed)
    model = models.build(config, image_shape)
    model.compile(OPTIMIZERS[config.optimizer](learning_rate(config)), jit_compile=False)
    return model


def begin(config, model):
    """Give the model the weights that `config.init_from` names, if any.

    Raises:
        UserError: there is no such checkpoint, or it is another model's.
    """
    if config.init_from:
        checkpoint.copy_weights(config.init_from.replace("{seed}", str(config.seed)), model)


def learning_rate(config):
    """The schedule of the learning rate."""
    if config.lr_mode == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(config.max_lr, config.lr_step_size, config.lr_gamma)
    return CyclicalLearningRate(config.min_lr, config.max_lr, config.lr_step_size, config.lr_mode, config.lr_gamma)


def train(config, resume=False, overwrite=False):
    """Train as `config` says and return the model and its test images.

    With `resume`, go on from the saved state; with `overwrite`, begin anew where an unfinished run
    stands. An interrupt ends the training after the current step with its state saved.

    Raises:
        UserError: the configuration does not fit the data, a folder cannot be written, or an
            unfinished run stands there.
    """
    files = runs.files(config)
    runs.require_table(Path(config.results_dir) / runs.TABLE)
    images, test_images = load_images(config)
    use_threads_for(config.batch_size * math.prod(images.shape[1:3]))
    model = compiled(config, images.shape[1:])
    if not resume:
        begin(config, model)
    for folder in (files.model.parent, files.metrics.parent, files.logs):
        require_writable(folder)
    with contextlib.ExitStack() as writers:
        for folder in {path.resolve() for path in (files.model.parent, files.metrics.parent, files.logs)}:
            writers.enter_context(only_writer(folder))
        if not (resume or overwrite):
            state.require_finished(files.state)
        if not resume:
            put_aside(files)
        fit(config, files, model, batches.resident(model.training_set(images)), test_images, resume)
    return model, test_images


def put_aside(files):
    """Keep the model of a finished run as the previous one, and forget what TensorBoard has of any."""
    if files.model.exists() and state.is_finished(files.state):
        write_atomically(files.previous, files.model.read_bytes())
    for events in files.logs.glob("events.out.tfevents.*"):
        events.unlink()


def fit(config, files, model, images, test_images, resume):
    """Train a compiled model, from its beginning or its saved state, to the last epoch.

    Raises:
        KeyboardInterrupt: it was asked to stop; the state is saved.
        UserError: a loss or gradient was not finite, or a picture can no longer be read; the last state is kept.
    """
    steps_per_epoch = -(-len(images) // config.batch_size)
    guard = Guard(files.failure, config, images)
    monitor = callbacks.Monitor(test_images[: config.monitor_size], config.test_freq, steps_per_epoch)
    log = callbacks.Log(files, monitor, config.log_freq, steps_per_epoch)
    grid = callbacks.SampleGrid(files.samples, log, config.num_samples, config.visualise_freq, steps_per_epoch)
    drawn = test_images[: config.num_samples]
    grids = callbacks.ModelGrids(files.samples.parent, drawn, log, config.visualise_freq, steps_per_epoch)
    evolution = callbacks.Evolution(files.evolution, test_images[:FOLLOWED], steps_per_epoch)
    saver = callbacks.Saver(files, config, log, config.save_model_freq, steps_per_epoch)
    acting = [guard, monitor, log, grid, grids, evolution, saver]
    if resume:
        acting.append(state.restore(files.state, model, log))

    step = int(model.optimizer.iterations)
    bar = callbacks.ProgressBar(len(images), step, config, monitor)
    with bar.bar, callbacks.Stop() as stop:
        for epoch in range(step // steps_per_epoch, config.epochs):
            first_step = int(model.optimizer.iterations) - epoch * steps_per_epoch
            ordered = batches.epoch(images, config.batch_size, config.seed, epoch, first_step)
            span = {"initial_epoch": epoch, "epochs": epoch + 1}
            with batches.all_readable(images):
                model.fit(ordered, **span, verbose=0, shuffle=False, callbacks=[*acting, bar, stop])
            if stop.requested:
                saver.act(int(model.optimizer.iterations))
                raise KeyboardInterrupt(f"saved in {files.state.parent}; the same command with --resume goes on")
    if step == config.epochs * steps_per_epoch:  # killed after its last step, perhaps before its last file
        saver.set_model(model)
        saver.act(step)

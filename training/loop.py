"""A training run: from settings to a checkpoint, a log and a picture of samples."""

import contextlib
import math
import time
from dataclasses import replace
from pathlib import Path

import keras
import tensorflow as tf

import config
import data
import models
from config.system.errors import UserError
from config.system.files import require_replaceable, require_writable, write_atomically
from config.system.lock import only_writer
from config.system.runtime import use_threads_for
from data import batches
from models import checkpoint, runs
from training import callbacks, devices, guard, state
from training.cyclical import CyclicalLearningRate

# a call that takes longer than this delays the answer to Ctrl-C
SECONDS_A_CALL = 0.5
# number of test images whose kernels and the like are kept from epoch to epoch
FOLLOWED = 4
OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}


def prepare(settings):
    """Return the complete settings of a run, its training images and its test images, uint8 [N, H, W, C].

    A number that is 0 in the settings, for "all images" or "half of the steps", becomes that number, and the
    architecture `auto` the one for the images.

    Raises:
        UserError: there are fewer images than asked for, training would see the held-out ones, or the model is for
            other images.
    """
    if shape := data.shape_of_pictures(settings.dataset, settings.image_size, settings.channels):
        models.require_fit(settings, shape)
    found = []
    splits = {"train_size": "train" if settings.test_split == "test" else "rest", "test_size": settings.test_split}
    for name, split in splits.items():
        source = settings.dataset, split, settings.data_dir, settings.image_size, settings.channels, settings.window
        images = data.load(*source).images
        size = getattr(settings, name) or len(images)
        if size > len(images):
            raise UserError(f"{name}: expected at most {len(images)} images of {settings.dataset}, got {size}")
        settings = replace(settings, **{name: size})
        found.append(images[:size])
    settings = models.complete(settings, found[0].shape[1:])
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
    training after the current step, with its state saved. Of several machines, the chief alone writes.

    Raises:
        UserError: the settings do not fit the data, a folder cannot be written, or an unfinished run stands there.
    """
    files = runs.files(settings)
    runs.require_table(Path(settings.results_dir) / runs.TABLE)
    strategy = devices.strategy(settings.strategy)
    settings, images, test_images = prepare(settings)
    use_threads_for(settings.batch_size * math.prod(images.shape[1:3]))
    require_enough(settings, strategy)
    with strategy.scope():
        model = compiled(settings, images.shape[1:])
    if beginning(settings) and not resume:
        checkpoint.copy_weights(beginning(settings), model)
    is_chief = devices.is_chief(model)
    with only_writer_of(files) if is_chief else contextlib.nullcontext():
        if not (resume or overwrite):
            state.require_finished(files.state)
        if not resume and is_chief:
            put_aside(files)
        fit(settings, files, model, batches.resident(model.training_set(images)), test_images, resume)
    return settings, model, test_images


def require_enough(settings, strategy):
    """Check that every device of a strategy gets an image of every batch, the last one of an epoch included.

    Raises:
        UserError: a batch has fewer images than there are devices.
    """
    fewest = min(settings.batch_size, settings.train_size % settings.batch_size or settings.batch_size)
    if fewest < strategy.num_replicas_in_sync:
        raise UserError(
            f"batch_size: expected an image for each of the {strategy.num_replicas_in_sync} devices in every batch, "
            f"got a batch of {fewest}"
        )


@contextlib.contextmanager
def only_writer_of(files):
    """Hold the folders of a run's `files` for this process.

    Raises:
        UserError: one cannot be written to, a file in it cannot be replaced, or another process holds it.
    """
    folders = files.model.parent, files.metrics.parent, files.logs
    require_writable(files.logs)
    for path in files[:-1]:
        require_replaceable(path)
    with contextlib.ExitStack() as writers:
        for folder in {path.resolve() for path in folders}:
            writers.enter_context(only_writer(folder))
        yield


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
    monitor, log, saver, *grids = beside(settings, files, model, test_images)
    # the log takes the new scores, and the saver the new row
    acting = [monitor, log, *grids, saver]
    if resume:
        state.restore(files.state, model, log)
    steps, total = config.steps_per_epoch(settings), config.total_steps(settings)
    step, is_stopped, is_chief = int(model.optimizer.iterations.numpy()), False, devices.is_chief(model)
    begun = step
    with callbacks.ProgressBar(step, settings, model, monitor, log) as bar, callbacks.Stop() as stop:
        for step in steps_taken(settings, model, images, begun, acting, files.failure):
            bar.move(step)
            for one in acting if is_chief else ():
                if one.is_due(step) or step % steps == 0:
                    one.act(step)
            bar.say(step)
            is_stopped = devices.mean_over_machines(model, stop.requested) > 0
            if is_stopped:
                break
        if is_chief and (
            is_stopped or begun == total
        ):  # a run that was killed after its last step may lack its last file
            saver.act(step)
    if step < total:
        raise KeyboardInterrupt(f"saved in {files.state.parent}; the same command with --resume continues")


def beside(settings, files, model, test_images):
    """Return what acts beside the steps: the monitor, the log, the saver, and what writes grids and evolution."""
    steps, every = config.steps_per_epoch(settings), settings.visualise_freq
    monitor = callbacks.Monitor(model, test_images[: settings.monitor_size], settings.test_freq)
    log = callbacks.Log(model, files, monitor, settings.log_freq, steps)
    shown = test_images[: settings.num_samples]
    return (
        monitor,
        log,
        callbacks.Saver(model, files, settings, log, settings.save_model_freq),
        callbacks.SampleGrid(model, files.samples, log, settings.num_samples, every),
        callbacks.ModelGrids(model, files.samples.parent, shown, log, every),
        callbacks.Evolution(model, files.evolution, test_images[:FOLLOWED], steps),
    )


def steps_taken(settings, model, images, step, acting, failure):
    """Take the steps from `step` to the last in calls of many, and yield the number of the step after each call.

    A call ends where one of `acting` is due, where the epoch ends, or after about SECONDS_A_CALL. All machines agree
    on the number of its steps, because what they exchange in a call is told apart by the number of the step in it.

    Raises:
        UserError: the model refused a step, recorded in the file `failure`, a picture can no longer be read, or a
            machine is lost.
    """
    steps, take, count = config.steps_per_epoch(settings), steps_in_one_call(model), 1
    while step < config.total_steps(settings):
        epoch, place = divmod(step, steps)
        batch = iter(batches.epoch(images, settings.batch_size, settings.seed, epoch, place))
        while step < (epoch + 1) * steps:
            until = min((epoch + 1) * steps, step + count, *(one.next_due(step) for one in acting))
            begin = time.perf_counter()
            with devices.all_there(model), batches.all_readable(images):
                taken = take(batch, until - step)
            seconds = devices.mean_over_machines(model, time.perf_counter() - begin)
            count = max(1, int(taken * SECONDS_A_CALL / seconds))
            step += taken
            if step < until:
                guard.stop(failure, settings, model, images, step)
            yield step


def steps_in_one_call(model):
    """Return a function(iterator, count) that takes up to `count` steps in one call and returns how many it took.

    It stops at the first step that the model refuses. How many steps a call takes changes no bit of any of them.
    """

    @tf.function(autograph=False, reduce_retracing=True)
    def take(iterator, count):
        def body(taken, _):
            is_taken = model.step(iterator.get_next())
            return taken + tf.cast(is_taken, tf.int32), is_taken

        first = tf.constant(0), tf.constant(True)
        return tf.while_loop(lambda taken, going: going & (taken < count), body, first, parallel_iterations=1)[0]

    return lambda iterator, count: int(take(iterator, tf.constant(count)))

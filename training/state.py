"""The whole state of a running training, in one checkpoint file."""

import itertools
from types import SimpleNamespace

import keras

import config
from config.system.errors import UserError
from models import checkpoint

# what may differ between a run and its continuation: where things are, how often they are looked at
FREE_KEYS = {
    "tag",
    "model_dir",
    "logs_dir",
    "results_dir",
    "data_dir",
    "num_samples",
    "visualise_freq",
    "save_model_freq",
}
SIZES = ("train_size", "test_size")


def variables(model):
    """Every variable that training changes, by name: weights, optimizers, running means."""
    optimized = itertools.chain.from_iterable(optimizer.variables for optimizer in model.optimizers)
    optimizers = {f"optimizer/{i:02d}": variable for i, variable in enumerate(optimized)}
    return checkpoint.weights(model) | optimizers | means(model)


def means(model):
    """The variables of the running means, by name."""
    return {f"mean/{name}/{v.name}": v for name, tracker in model.trackers.items() for v in tracker.variables}


def save(path, model, settings, log):
    """Write all that is needed to go on from here to the same bits."""
    tensors = {name: variable.numpy() for name, variable in variables(model).items()}
    finished = int(model.optimizer.iterations) == settings.epochs * log.steps_per_epoch
    facts = {"config": vars(settings), "defaults": config.defaults(), "finished": finished}
    checkpoint.write(path, tensors, **facts, rows=log.rows, latest=log.monitor.latest)


def resumed(path, given):
    """The configuration of the run whose state is in `path`, with the keys in `given` changed.

    A key whose default in the YAML files was edited since counts as given, but for a 0 that says "all".

    Raises:
        UserError: there is no such state, or a changed key would make it another run.
    """
    if not path.exists():
        raise UserError(f"--resume: expected the state of an interrupted run, got no file {path}")
    manifest = read(path)[1]
    saved = vars(checkpoint.configuration(manifest))
    edited = {key: value for key, value in config.defaults().items() if value != manifest["defaults"].get(key)}
    given = {key: value for key, value in (edited | given).items() if value or key not in SIZES}
    changed = [name for name, value in given.items() if value != saved[name] and name not in FREE_KEYS]
    if given.get("epochs", 0) > saved["epochs"]:
        changed.remove("epochs")
    if changed:
        differences = ", ".join(f"{name} {saved[name]} there, {given[name]} here" for name in changed)
        raise UserError(f"--resume: expected the settings of {path} (epochs may grow), got {differences}")
    # where the state was found is where the run is now, wherever it began
    place = {"tag": path.parent.name, "model_dir": str(path.parent.parent)}
    return SimpleNamespace(**(saved | given | place))


def read(path):
    """The tensors and the manifest of a saved state.

    Raises:
        UserError: the file is missing or damaged, or holds something else.
    """
    tensors, manifest = checkpoint.read(path)
    if missing := {"config", "defaults", "finished", "rows", "latest"} - set(manifest):
        raise UserError(f"{path}: expected the state of a training, got a checkpoint without {', '.join(missing)}")
    return tensors, manifest


def is_finished(path):
    """Whether no unfinished run has its state in `path`."""
    return not path.exists() or read(path)[1]["finished"]


def require_finished(path):
    """Check that no unfinished run stands in `path`.

    Raises:
        UserError: one does.
    """
    if not is_finished(path):
        raise UserError(
            f"{path.parent}: holds an unfinished run of {read(path)[1]['config']['epochs']} epochs; "
            "add --resume to go on with it or --overwrite to begin anew"
        )


def restore(path, model, log):
    """Set a compiled model and its log to a saved state; returns the callback that completes it.

    Raises:
        UserError: the state is missing or damaged, or does not belong to this model.
    """
    tensors, manifest = read(path)
    checkpoint.assign(path, variables(model), tensors)
    log.rows, log.monitor.latest = manifest["rows"], manifest["latest"]
    return RestoreMeans(tensors)


class RestoreMeans(keras.callbacks.Callback):
    """Sets the running means once more after Keras, beginning the first epoch, has reset them."""

    def __init__(self, tensors):
        super().__init__()
        self.tensors = tensors

    def on_epoch_begin(self, epoch, logs=None):
        """Set them, once."""
        if self.tensors is not None:
            for name, variable in means(self.model).items():
                variable.assign(self.tensors[name])
            self.tensors = None

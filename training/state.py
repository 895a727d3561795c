"""The whole state of a running training, in one checkpoint file."""

import itertools
from dataclasses import replace

import config
from config.system.errors import UserError
from models import checkpoint

# settings whose 0 stands for a number that the data decide
COUNTS = ("train_size", "test_size", "lr_step_size")


def variables(model):
    """Return every variable that training changes, by name: weights, optimizers, running means."""
    optimized = itertools.chain.from_iterable(optimizer.variables for optimizer in model.optimizers)
    optimizers = {f"optimizer/{i:02d}": variable for i, variable in enumerate(optimized)}
    adapted = {"log_beta": model.log_beta} if model.target_kl else {}
    adapted |= {variable.name: variable for variable in model.loss_scale.variables} if model.loss_scale else {}
    return checkpoint.weights(model) | optimizers | adapted | means(model)


def means(model):
    """Return the variables of the running means, by name."""
    return {f"mean/{name}/{v.name}": v for name, tracker in model.trackers.items() for v in tracker.variables}


def save(path, model, settings, log):
    """Write everything that a continuation needs to end in the same bits."""
    tensors = {name: variable.numpy() for name, variable in variables(model).items()}
    finished = int(model.optimizer.iterations.numpy()) == config.total_steps(settings)
    facts = {"config": vars(settings), "defaults": config.defaults(), "finished": finished}
    checkpoint.write(path, tensors, **facts, rows=log.rows, latest=log.monitor.latest, scored=log.monitor.step)


def resumed(path, given):
    """Return the settings of the run whose state is in `path`, with the keys in `given` changed.

    A key whose default in the YAML files was edited since counts as given, except a 0 that stands for a number.

    Raises:
        UserError: there is no such state, or it is damaged, or a changed key would make it another run.
    """
    manifest = read(path)[1]
    saved = checkpoint.configuration(manifest)
    edited = {key: value for key, value in config.defaults().items() if value != manifest["defaults"].get(key)}
    given = {key: value for key, value in (edited | given).items() if value or key not in COUNTS}
    # where the state was found is where the run is now, wherever it began
    place = {"tag": path.parent.name, "model_dir": str(path.parent.parent)}
    changed = replace(saved, **(given | place))
    differing = [key for key in config.differences(saved, changed) if key in given and key != "data_dir"]
    if changed.epochs > saved.epochs:
        differing.remove("epochs")
    if differing:
        listed = ", ".join(f"{key} {getattr(saved, key)} there, {getattr(changed, key)} here" for key in differing)
        raise UserError(f"--resume: expected the settings of {path} (epochs may grow), got {listed}")
    return changed


def read(path):
    """Return the tensors and the manifest of a saved state.

    Raises:
        UserError: the file is missing or damaged, or holds something else.
    """
    tensors, manifest = checkpoint.read(path)
    if missing := {"config", "defaults", "finished", "rows", "latest", "scored"} - set(manifest):
        raise UserError(f"{path}: expected the state of a training, got a checkpoint without {', '.join(missing)}")
    return tensors, manifest


def has_unfinished_run(path):
    """Whether `path` holds the state of a run that stopped before its last epoch."""
    return path.exists() and not read(path)[1]["finished"]


def require_finished(path):
    """Check that no unfinished run has its state in `path`.

    Raises:
        UserError: one has.
    """
    if has_unfinished_run(path):
        raise UserError(
            f"{path.parent}: holds an unfinished run of {read(path)[1]['config']['epochs']} epochs; "
            "--resume continues it, --overwrite replaces it"
        )


def restore(path, model, log):
    """Set a compiled model and its log to a saved state.

    Raises:
        UserError: the state is missing or damaged, or does not belong to this model.
    """
    tensors, manifest = read(path)
    checkpoint.assign(path, variables(model), tensors)
    log.rows, log.monitor.latest, log.monitor.step = manifest["rows"], manifest["latest"], manifest["scored"]

"""The configuration: values from YAML, types and bounds from the schema, overrides from files and flags.

Nothing here needs TensorFlow, so `--help` and mistakes are answered at once.
"""

import difflib
import functools
import reprlib
from dataclasses import make_dataclass
from pathlib import Path

from config.places import present
from config.schema import (
    ANY_FOLDER,
    KEYS,
    MODEL_KEYS,
    MODELS,
    PICTURES,
    TRAIN_KEYS,
    WITH_DISCRIMINATOR,
    loss_terms,
)
from config.system import yaml_file
from config.system.errors import UserError

FOLDER = Path(__file__).parent

Settings = make_dataclass("Settings", [(name, key.kind) for name, key in KEYS.items()], frozen=True)
Settings.__doc__ = "The value of every key: what describes a run. `vars(settings)` is a dict."


@functools.cache
def defaults():
    """Return the values of the two YAML files, a dict with every key of the schema. They are read once a process.

    Raises:
        UserError: a file is missing or broken, or a key is missing, unknown or of the wrong type.
    """
    values = {}
    for name, keys in (("train_config.yml", TRAIN_KEYS), ("model_config.yml", MODEL_KEYS)):
        found = checked(FOLDER / name, yaml_file.read(FOLDER / name), keys)
        if missing := [key for key in keys if key not in found]:
            raise UserError(f"{FOLDER / name}: expected every key, missing: {', '.join(missing)}")
        values |= found
    return {key: values[key] for key in KEYS}


def read_experiment(path, flags):
    """Return the runs that the YAML file `path` and the `flags`, a dict, describe: a list of dicts of values.

    The file has keys of the configuration and, under `runs`, a list of blocks of further keys. Without `runs` it
    describes one run. A value may be a list: every combination is then a run. A flag replaces a value. But where a
    block has a key of names, such as `loss`, the flag of that key selects the runs with its value.

    Raises:
        UserError: the file is missing or broken, one of its keys or values is wrong, or no run has a flag's value.
    """
    shared = yaml_file.read(present(path))
    blocks = shared.pop("runs", [{}])
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        raise UserError(f"{path}: runs: expected a list of 'key: value' blocks, got {reprlib.repr(blocks)}")
    shared, blocks = checked(path, shared), [checked(path, block) for block in blocks]
    selecting = [key for key in flags if KEYS[key].kind is str and any(key in block for block in blocks)]
    for key in selecting:
        blocks = selected(path, [{key: value_of(key, shared | block)} | block for block in blocks], key, flags[key])
    replacing = {key: value for key, value in flags.items() if key not in selecting}
    return [replaced(shared | block, replacing) for block in blocks]


def value_of(key, values):
    """Return the value of `key` in a run with these `values`, of which it may be none."""
    model = values.get("model", "vae")
    # a model other than vae is its own loss
    return model if key == "loss" and model != "vae" else (defaults() | values)[key]


def replaced(values, flags):
    """Return `values` with those of `flags`. What was a list stays one, because a run of a sweep is named by it."""
    was_list = {key for key, value in values.items() if isinstance(value, list)}
    return values | {key: listed(value) if key in was_list else value for key, value in flags.items()}


def selected(path, blocks, key, value):
    """Return those `blocks` of the file `path` that have a value of `key` in `value`, with no other values of it.

    Raises:
        UserError: one of `value` is in none of them.
    """
    kept = [[one for one in listed(block[key]) if one in listed(value)] for block in blocks]
    if missing := [one for one in listed(value) if not any(one in values for values in kept)]:
        offered = dict.fromkeys(str(one) for block in blocks for one in listed(block[key]) if one != "")
        raise UserError(f"{key}: expected one of {', '.join(offered)}, the runs of {path}, got {missing[0]}")
    return [
        block | {key: values if len(values) > 1 else values[0]}
        for block, values in zip(blocks, kept, strict=True)
        if values
    ]


def listed(value):
    """Return a value, or the list of values that it is, as a list."""
    return value if isinstance(value, list) else [value]


def checked(path, values, keys=KEYS):
    """Return the dict `values` of the file `path`, each value of its key's type, or a list of such values.

    Raises:
        UserError: a key is unknown, or a value is of another type or out of bounds.
    """
    found = {}
    for name, value in values.items():
        key = lookup(name, keys, f"{path}: ")
        is_list = isinstance(value, list) and value
        found[name] = (
            [key.parse(f"{path}: {name}", one) for one in value] if is_list else key.parse(f"{path}: {name}", value)
        )
    return found


def lookup(name, keys=KEYS, where=""):
    """Return the entry of the key `name` in the dict `keys`.

    Raises:
        UserError: there is no such key; the message has the nearest ones.
    """
    if name in keys:
        return keys[name]
    text = str(name)[:80]
    near = [key for key in keys if text in key.split("_")] or difflib.get_close_matches(text, keys, n=1)
    hint = f"expected {' or '.join(map(repr, near))}?" if near else "--help lists what there is"
    raise UserError(f"{where}unknown key {text!r}; {hint}")


def resolve(given):
    """Return the Settings of a run: the defaults, and over them the dict `given`, whose values have been checked.

    An empty tag becomes the name of the loss.

    Raises:
        UserError: nothing reads a given key, or two values contradict each other.
    """
    values = complete(given)
    require_read(given, [values])
    values["tag"] = values["tag"] or values["loss"]
    if values["lr_mode"] != "exponential" and values["min_lr"] > values["max_lr"]:
        raise UserError(f"min_lr: expected at most max_lr ({values['max_lr']:g}), got {values['min_lr']:g}")
    if values["target_kl"] and not values["beta"]:
        raise UserError("beta: expected more than 0 with target_kl, which adapts it, got 0")
    if values["model"] == "ambient_vae_gan" and values["architecture"] not in ("auto", *WITH_DISCRIMINATOR):
        raise UserError(
            f"architecture: expected one of {', '.join(WITH_DISCRIMINATOR)} for model ambient_vae_gan, "
            f"got {values['architecture']!r}"
        )
    return Settings(**values)


def require_pictures(dataset, folder):
    """Check that the folder of a data set is there, if it is one of pictures.

    Raises:
        UserError: it is not.
    """
    if dataset in PICTURES and not (folder and Path(folder).is_dir()):
        raise UserError(f"data_dir: expected the folder of the pictures of {dataset}, got {folder!r}")


def complete(given):
    """Return the values of all keys, a dict: the defaults, and over them the dict `given`.

    The loss of a model other than vae is its own and has its name.

    Raises:
        UserError: a loss is given that the model does not take.
    """
    values = defaults() | given
    model, loss = values["model"], values["loss"]
    if model == "vae" and loss in MODELS:
        raise UserError(f"loss: expected {KEYS['loss'].expected()}, got {loss!r}; --model chooses the model")
    if model != "vae" and given.get("loss", model) != model:
        raise UserError(f"loss: expected none with model {model}, which has its own, got {loss!r}")
    return values if model == "vae" else values | {"loss": model}


def require_read(given, runs):
    """Check that each key in `given` is read in at least one of `runs`, dicts of all values.

    Raises:
        UserError: a key is not; the message says who reads it.
    """
    for name in given:
        if not any(is_read(name, values) for values in runs):
            reader = KEYS[name].read_by
            chosen = ", ".join(dict.fromkeys(values[reader.key] for values in runs))
            raise UserError(
                f"{name}: expected only with {reader.key} {' or '.join(reader.names)}, got {reader.key} {chosen}"
            )


def is_read(name, values):
    """Whether the key `name` has a meaning in a run with these `values`, a dict of all keys."""
    reader = KEYS[name].read_by
    if reader is None:
        return True
    chosen = loss_terms(values["loss"]) if reader.key == "loss" else (values[reader.key],)
    return not {*chosen}.isdisjoint(reader.names)


def recorded(values):
    """Return the Settings that were written with a run, a dict; keys that are missing there have their defaults."""
    return Settings(**(defaults() | {key: value for key, value in values.items() if key in KEYS}))


def shown(settings):
    """Return the values of Settings that are not the defaults, as they would be given: "loss=l2 epochs=3"."""
    usual = defaults() | {"tag": settings.loss}
    chosen = {key: value for key, value in vars(settings).items() if value != usual[key]}
    return " ".join(f"{key}={value}" for key, value in chosen.items()) or "the defaults"


def steps_per_epoch(settings):
    """The number of steps in a pass over the training images. The last batch may be short."""
    return -(-settings.train_size // settings.batch_size)


def total_steps(settings):
    """The number of steps in the whole training."""
    return settings.epochs * steps_per_epoch(settings)


def differences(one, other, logged=True):
    """The keys in which two Settings describe different runs, in their order.

    A key that `other` does not read makes no difference, nor does `auto`, which follows from the other keys, nor do the
    folders of files, except the folder of a data set that is any folder of pictures.

    Args: `logged`, whether a key makes a difference that only changes what is logged.
    """
    changes = {"weights", "log"} if logged else {"weights"}
    keys = [key for key in KEYS if KEYS[key].changes in changes]
    pairs = {key: {getattr(one, key), getattr(other, key)} for key in keys}
    found = [key for key, pair in pairs.items() if len(pair) > 1 and "auto" not in pair and is_read(key, vars(other))]
    is_moved = Path(one.data_dir).resolve() != Path(other.data_dir).resolve()
    return found + ["data_dir"] * (one.dataset in ANY_FOLDER and is_moved)

"""The configuration: values from YAML, types and bounds from the schema, overrides from flags.

Nothing here needs TensorFlow, so `--help` and mistakes are answered at once.
"""

import difflib
from pathlib import Path
from types import SimpleNamespace

import yaml

from config.schema import KEYS, MODEL_KEYS, SIZED, TRAIN_KEYS
from config.system.errors import UserError

FOLDER = Path(__file__).parent


def defaults():
    """The values of the two YAML files: a dict with every key of the schema.

    Raises:
        UserError: a file is missing or broken, a key is missing, unknown, or of the wrong type.
    """
    values = {}
    for name, keys in (("train_config.yml", TRAIN_KEYS), ("model_config.yml", MODEL_KEYS)):
        found = read_yaml(FOLDER / name, keys)
        if missing := [key for key in keys if key not in found]:
            raise UserError(f"{FOLDER / name}: expected every key, missing: {', '.join(missing)}")
        values |= found
    return values


def read_yaml(path, keys=KEYS):
    """The checked values in the YAML file `path`, which may hold any of `keys`.

    Raises:
        UserError: the file is missing or broken, or one of its keys or values is wrong.
    """
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: expected a YAML file, got: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: expected YAML, got: {error}") from error
    if not isinstance(document, dict):
        raise UserError(f"{path}: expected lines of 'key: value', got {type(document).__name__}")
    return {key: lookup(key, keys, f"{path}: ").parse(f"{path}: {key}", value) for key, value in document.items()}


def lookup(name, keys=KEYS, where=""):
    """The schema of the key `name`.

    Raises:
        UserError: there is no such key; the nearest one is suggested.
    """
    if name in keys:
        return keys[name]
    near = difflib.get_close_matches(str(name), keys, n=1)
    hint = f"{near[0]!r}?" if near else f"one of {', '.join(keys)}"
    raise UserError(f"{where}unknown key {str(name)[:80]!r}; expected {hint}")


def resolve(*overrides):
    """The defaults under dicts of checked `overrides`, as a namespace; an empty tag becomes the loss.

    The loss of a model other than the VAE is its own and bears its name.

    Raises:
        UserError: two values contradict each other.
    """
    given = {key: value for override in overrides for key, value in override.items()}
    config = SimpleNamespace(**(defaults() | given))
    if config.model != "vae":
        if given.get("loss", config.model) != config.model:
            raise UserError(f"loss: expected none with model {config.model}, which has its own, got {config.loss!r}")
        config.loss = config.model
    if config.measurement != "none" and config.model != "ambient_vae_gan":
        raise UserError(f"measurement: expected none with model {config.model}, got {config.measurement!r}")
    config.tag = config.tag or config.loss
    if config.lr_mode != "exponential" and config.min_lr > config.max_lr:
        raise UserError(f"min_lr: expected at most max_lr ({config.max_lr:g}), got {config.min_lr:g}")
    return config


def require_sized(dataset):
    """Check that an image_size means something to `dataset`, a name or a sweep's list of them.

    Raises:
        UserError: the images have a size of their own.
    """
    names = dataset if isinstance(dataset, list) else [dataset]
    if not {*names} & {*SIZED}:
        raise UserError(
            f"image_size: expected with dataset {' or '.join(SIZED)}, got it with {', '.join(names)}, "
            "whose images have a size of their own"
        )


def steps_per_epoch(settings):
    """The number of steps in one pass over the training images; the last batch may be short."""
    return -(-settings.train_size // settings.batch_size)


def total_steps(settings):
    """The number of steps in a whole training."""
    return settings.epochs * steps_per_epoch(settings)


# what may differ between two runs of the same weights: where files are, and what is looked at
PLACES = {"tag", "model_dir", "logs_dir", "results_dir", "data_dir", "num_samples", "visualise_freq", "save_model_freq"}
LOGGED = {"log_freq", "test_freq", "monitor_size", "test_size"}


def differences(one, other, logged=True):
    """The keys in which two configurations describe different runs, in order.

    Where files are never matters, except the folder of a data set of pictures. Args: `logged`, whether keys that
    change only what is logged matter.
    """
    ignored = PLACES | (set() if logged else LOGGED)
    return [key for key in vars(one) if key not in ignored and vars(one)[key] != vars(other)[key]]


def dump(config):
    """The YAML text of a configuration."""
    return yaml.safe_dump(dict(vars(config)), sort_keys=False)

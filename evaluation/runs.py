"""The table of runs, as what compares them reads it."""

import csv
from pathlib import Path
from types import SimpleNamespace

import config
from config.errors import UserError

REQUIRED = ("tag", "loss", "seed", "model_dir", "dataset", "test_split")


def read(path):
    """The rows of the file `path`, dicts of text; none if there is no such file.

    Raises:
        UserError: it is no table of text.
    """
    try:
        return list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines()))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: expected a table of runs, got: {error}") from error


def load(path):
    """The configurations, namespaces, of the runs in the file `path`; keys younger than it have their defaults.

    Raises:
        UserError: the file is missing or no table of runs, or a value in it is wrong.
    """
    rows = read(path)
    if not rows:
        raise UserError(f"{path}: expected a table of runs, got none; python train.py --loss=l2,ours makes it")
    if missing := [key for key in REQUIRED if key not in rows[0]]:
        raise UserError(f"{path}: expected a table of runs, got one without {', '.join(missing)}")
    return [configuration(path, row) for row in rows]


def measured_on(path, dataset, split, losses=(), settings=None):
    """Those of the runs in the file `path` whose test images are `split` of `dataset`.

    Runs that kept other images apart may have been trained on these. Args: `losses`, empty for all;
    `settings`, a dict of keys and the values that the runs must have.

    Raises:
        UserError: there are none, or the file is no table of runs.
    """
    every, settings = load(path), {"dataset": dataset, "test_split": split, **(settings or {})}
    found = [run for run in every if settings.items() <= vars(run).items() and (not losses or run.loss in losses)]
    if not found:
        wanted = f"runs of {', '.join(losses)}" if losses else "runs"
        having = ", ".join(f"{key}={value}" for key, value in settings.items())
        raise UserError(f"{path}: expected {wanted} with {having}, got none among {len(every)}")
    return found


def configuration(path, row):
    """The configuration in a row of the table `path`, a namespace.

    Raises:
        UserError: a value is of the wrong type or out of bounds, or the row has no tag.
    """
    given = {key: row[key] for key in config.KEYS if row.get(key)}
    if "tag" not in given:
        raise UserError(f"{path}: expected a tag in every row, got one without")
    values = {key: config.KEYS[key].parse(f"{path}: {given['tag'][:80]}: {key}", text) for key, text in given.items()}
    return SimpleNamespace(**(config.defaults() | values))


def checkpoint_file(run):
    """Where the checkpoint of a run is."""
    return Path(run.model_dir) / run.tag / "model.npz"

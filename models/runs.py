"""A run: whether it is finished, whether it is the same as another, and the table of runs."""

import csv
import io
from pathlib import Path

import config
from config.places import files, present
from config.system import csv_file
from config.system.errors import UserError
from config.system.files import require_writable, write_atomically
from config.system.lock import in_turn
from models import checkpoint

TABLE = "runs.csv"
REQUIRED = ("tag", "loss", "seed", "model_dir", "dataset", "test_split")


def is_finished(settings):
    """Whether a checkpoint of the run of `settings` stands in its folder, trained to the last epoch.

    The checkpoint of a run with other settings does not count.
    """
    path = files(settings).model
    if not path.exists():
        return False
    _, manifest = checkpoint.read(path)
    other = checkpoint.configuration(manifest)
    return not config.differences(settings, other) and manifest.get("step") == config.total_steps(settings)


def read(path):
    """The rows of the table of runs `path`, dicts of text; an empty list if there is no such file.

    Raises:
        UserError: the file is not a table of text.
    """
    return csv_file.read(path, "a table of runs") if Path(path).exists() else []


def require_table(path):
    """Check that the file `path`, if it exists, is a table that can take another row.

    Raises:
        UserError: its rows have no tag, or are longer than its header.
    """
    if any(None in row or not row.get("tag") for row in read(path)):
        raise UserError(f"{path}: expected a table of runs with a tag each, got another; move it away")


def record(settings, scores):
    """Write a run and the means of its `scores` (a dict of arrays [N]) to the table; its tag has one row."""
    path = Path(settings.results_dir) / TABLE
    means = {name: f"{values.mean():.6f}" for name, values in scores.items()}
    row = {"tag": settings.tag, **vars(settings), **means}
    require_writable(path.parent)
    with in_turn(path.parent):
        rows = [other for other in read(path) if other["tag"] != row["tag"]] + [row]
        text = io.StringIO()
        table = csv.DictWriter(text, dict.fromkeys(key for one in rows for key in one), restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(sorted(rows, key=lambda row: row["tag"]))
        write_atomically(path, text.getvalue().encode())


def load(path, losses=()):
    """Return the Settings of the runs in the table `path`; a key that a row lacks has its default.

    Args: `losses`, names: the other rows are not read; empty: all rows.

    Raises:
        UserError: the file is missing or not a table of runs, or a value in it is wrong.
    """
    rows = read(path)
    if not rows:
        raise UserError(f"{path}: expected a table of runs, got one without rows")
    if missing := [key for key in REQUIRED if key not in rows[0]]:
        raise UserError(f"{path}: expected a table of runs, got one without {', '.join(missing)}")
    return [configuration(path, row) for row in rows if not losses or row["loss"] in losses]


def configuration(path, row):
    """Return the Settings in a row of the table `path`.

    Raises:
        UserError: a value is of the wrong type or out of bounds, or the row has no tag.
    """
    given = {key: row[key] for key in config.KEYS if row.get(key)}
    if missing := [key for key in REQUIRED if key not in given]:
        raise UserError(f"{path}: expected a {missing[0]} in every row, got one without")
    place = f"{path}: {given['tag'][:80]}"
    try:
        values = {key: config.KEYS[key].parse(f"{place}: {key}", text) for key, text in given.items()}
    except UserError as error:
        raise UserError(f"{error}; a row that is of no use any more can be deleted") from error
    return config.recorded(values)


def select(path, dataset, split, losses=(), experiment=()):
    """Return the Settings of the runs in the table `path` whose test images are `split` of `dataset`.

    Args: `losses`, names, empty: all; `experiment`, as of `belongs`.

    Raises:
        UserError: there are none, or the file is not a table of runs.
    """
    every = load(path, losses)
    of_images = [run for run in every if (run.dataset, run.test_split) == (dataset, split)]
    found = [run for run in of_images if belongs(run, experiment)]
    missing = [loss for loss in losses if loss not in {run.loss for run in found}]
    if not found or missing:
        wanted = f"runs of {', '.join(missing or losses)}" if losses else "runs"
        having = f"dataset={dataset}, test_split={split}{' and the settings of --config' if experiment else ''}"
        raise UserError(f"{path}: expected {wanted} with {having}, got none among {len(read(path))}")
    return found


def belongs(run, experiment):
    """Whether the Settings of a run are those of an `experiment`, as config.read_experiment returns it; empty: any.

    Where files are makes no difference, nor does a 0 that stands for a number that the training derives.
    """
    return not experiment or any(
        all(is_value(key, getattr(run, key), value) for key, value in entry.items()) for entry in experiment
    )


def is_value(key, found, expected):
    """Whether `found` is the `expected` value of a key, or one of a list of values."""
    is_derived = key in ("lr_step_size", "train_size") and expected == 0
    is_one = found in expected if isinstance(expected, list) else found == expected
    return is_one or is_derived or config.KEYS[key].changes != "weights"


def model_file(run):
    """Return the path of a run's checkpoint, here or in the repository."""
    return present(files(run).model)


def load_model(run):
    """The model of a finished run of the table.

    Raises:
        UserError: its checkpoint is missing or damaged, or belongs to another run or to an unfinished one.
    """
    path = model_file(run)
    model, manifest = checkpoint.load_model(path)
    there = checkpoint.configuration(manifest)
    if differing := config.differences(run, there, logged=False):
        raise UserError(
            f"{path}: expected the run in the table, "
            f"got one with {', '.join(f'{key} {vars(there)[key]}' for key in differing)}"
        )
    if manifest.get("step") != config.total_steps(run):
        raise UserError(
            f"{path}: expected a finished run of {config.total_steps(run)} steps, got one of {manifest.get('step')}"
        )
    return model

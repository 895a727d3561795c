"""The checkpoints that there are, as a table. Only their manifests are read, and nothing here needs TensorFlow."""

import functools
import json
import sys
import zipfile
from pathlib import Path

import config
from config.places import present
from config.system import csv_file, files
from config.system.errors import UserError
from evaluation import markdown

SHOWN = ("model", "dataset", "loss", "latent_dim")
# column of runs.csv: its heading, and decimals
SCORES = {"psnr": ("PSNR", 2), "ssim": ("SSIM", 3), "kl_divergence": ("KL (nats)", 2)}
EXPECTED = "a checkpoint"


def table(folders):
    """Return the checkpoints in `folders` and in the experiments there, in Markdown; damaged ones are named on stderr.

    Raises:
        UserError: there is none.
    """
    found = [cells(path, *read) for path in find(folders) if (read := attempt(manifest, path))]
    if not found:
        raise UserError(f"--list: expected checkpoints in {' or '.join(f'{one}/' for one in folders)}, got none")
    header = ["--loss", "--model_dir", *SHOWN, "epochs", "steps", *(heading for heading, _ in SCORES.values())]
    return markdown.table(header, found)


def find(folders):
    """Return the checkpoints in `folders`, each once: those of a folder, then those of the experiments in it."""
    patterns = "*/model.npz", "*/*/model.npz"
    return list(dict.fromkeys(path for folder in folders for each in patterns for path in sorted(folder.glob(each))))


@functools.cache
def attempt(read, path):
    """Return what `read` returns for a file, or None, with a line on stderr, if it is damaged; once a process."""
    try:
        return read(path)
    except UserError as error:
        print(f"skipped {' '.join(str(error).split())}", file=sys.stderr)
        return None


def cells(path, settings, step):
    """Return the row of the checkpoint `path` of a run with these Settings after `step` steps, None: not recorded."""
    epochs = "" if step is None else f"{step / config.steps_per_epoch(settings):.3g}"
    values = scores(settings) if step == config.total_steps(settings) else {}
    return [
        path.parent.name,
        str(path.parents[1]),
        *(str(getattr(settings, key)) for key in SHOWN),
        epochs,
        "" if step is None else f"{step:,}",
        *(markdown.number(values[name], places) if name in values else "" for name, (_, places) in SCORES.items()),
    ]


def scores(settings):
    """Return the scores of a finished run by name, as the table of its runs has them; none if it has not the run."""
    path = present(Path(settings.results_dir) / "runs.csv")
    rows = attempt(rows_of, path) if path.exists() else None
    return (rows or {}).get((settings.model_dir, settings.tag), {})


def rows_of(path):
    """Return the scores in a table of runs, (model_dir, tag) → name → value.

    Raises:
        UserError: it cannot be read, or is another table.
    """
    try:
        rows = csv_file.read(path, "a table of runs")
        return {
            (row["model_dir"], row["tag"]): {name: float(row[name]) for name in SCORES if row.get(name)} for row in rows
        }
    except (KeyError, ValueError) as error:
        raise UserError(f"{path}: expected a table of runs, got: {error!r:.200}") from error


def manifest(path):
    """Return the Settings and the number of steps (None: not recorded) in the manifest of the checkpoint `path`.

    Raises:
        UserError: the file is damaged, larger than files.ARRAYS or no regular file, or its manifest is larger than
            files.MANIFEST.
    """
    with files.opened(path, EXPECTED, files.ARRAYS) as file:
        try:
            archive = zipfile.ZipFile(file)
            size = archive.getinfo("manifest.json").file_size
            if size > files.MANIFEST:
                raise ValueError(f"a manifest of {size:,} bytes")
            found = json.loads(archive.read("manifest.json"))
            given = {key: value for key, value in found["config"].items() if key in config.KEYS}
            values = {key: config.KEYS[key].parse(key, value) for key, value in given.items()}
            step = found.get("step")
            return config.recorded(values), None if step is None else int(step)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except Exception as error:  # a damaged zip fails in many ways, each of them the user's broken file
            raise UserError(f"{path}: expected {EXPECTED}, got a damaged file ({error!r:.200})") from error

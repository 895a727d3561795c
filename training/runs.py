"""results/runs.csv: a row a run, its configuration and what it reached."""

import csv
import io
from pathlib import Path

from config.errors import UserError
from config.files import write_atomically
from config.lock import in_turn

FILE = "runs.csv"


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


def record(settings, quality):
    """Put a run, the means of its `quality` (a dict of arrays [N]), in the place of any row of its tag."""
    path = Path(settings.results_dir) / FILE
    measured = {name: f"{values.mean():.6f}" for name, values in quality.items()}
    row = {"tag": settings.tag, **vars(settings), **measured}
    with in_turn(path.parent):
        rows = [other for other in read(path) if other["tag"] != row["tag"]] + [row]
        text = io.StringIO()
        table = csv.DictWriter(text, max(rows, key=len), restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(sorted(rows, key=lambda row: row["tag"]))
        write_atomically(path, text.getvalue().encode())

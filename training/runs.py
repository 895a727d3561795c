"""results/runs.csv: a row a run, its configuration and what it reached."""

import csv
import io
from pathlib import Path

from config.errors import UserError
from config.files import require_writable, write_atomically
from config.lock import in_turn
from evaluation.runs import read as read

FILE = "runs.csv"


def require_table(path):
    """Check that the file `path`, if there is one, is a table that takes another row.

    Raises:
        UserError: its rows have no tag, or are longer than its header.
    """
    if any(None in row or not row.get("tag") for row in read(path)):
        raise UserError(f"{path}: expected a table of runs with a tag each, got another; move it away")


def record(settings, quality):
    """Put a run, the means of its `quality` (a dict of arrays [N]), in the place of any row of its tag."""
    path = Path(settings.results_dir) / FILE
    measured = {name: f"{values.mean():.6f}" for name, values in quality.items()}
    row = {"tag": settings.tag, **vars(settings), **measured}
    require_writable(path.parent)
    with in_turn(path.parent):
        rows = [other for other in read(path) if other["tag"] != row["tag"]] + [row]
        text = io.StringIO()
        table = csv.DictWriter(text, dict.fromkeys(key for one in rows for key in one), restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(sorted(rows, key=lambda row: row["tag"]))
        write_atomically(path, text.getvalue().encode())

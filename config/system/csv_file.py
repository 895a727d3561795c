"""Tables in CSV files: small."""

import csv

from config.system import files
from config.system.errors import UserError


def read(path, expected):
    """Return the rows of the table in the file `path`, dicts of text.

    Args: `expected`, in words what the file should be.

    Raises:
        UserError: the file is missing, larger than files.TABLE, or no table of text with commas.
    """
    try:
        rows = list(csv.DictReader(files.read_text(path, expected, files.TABLE).splitlines()))
    except csv.Error as error:
        raise UserError(f"{path}: expected {expected}, got: {error}") from error
    if rows and ";" in next(iter(rows[0])):
        raise UserError(f"{path}: expected {expected}, with commas between columns, got semicolons")
    return rows

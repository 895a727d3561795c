"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

from config.system.errors import UserError


def write_atomically(path, content):
    """Write the bytes `content` to `path`: aside, flushed to the disk, then renamed over it.

    Whatever goes wrong, the file that stood there stays as it was.

    Raises:
        UserError: the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise UserError(f"{path}: expected a folder to write to, got: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except OSError as error:
        raise UserError(f"{path}: could not be written: {error.strerror}; what stood there is unchanged") from error
    finally:
        Path(aside).unlink(missing_ok=True)


def require_writable(folder):
    """Make `folder` and check that files can be written to it.

    Raises:
        UserError: they cannot.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"{folder}: expected a folder that can be written to, got: {error.strerror}") from error

"""One writer a folder."""

import contextlib
import os
from pathlib import Path

from config.system.errors import UserError

try:
    import fcntl
except ImportError:  # Windows has no such locks; two writers are then not noticed
    fcntl = None


@contextlib.contextmanager
def only_writer(folder):
    """Hold `folder` for this process; what a killed process left half-written is removed.

    The lock is the operating system's, so that of a dead process is none.

    Raises:
        UserError: another process holds it.
    """
    with _opened(Path(folder) / "training.lock") as file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise UserError(
                f"{folder}: expected to be the only one to write there, but process {file.read().strip()} is "
                "training into it; wait for it, or give another --tag"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}")
        file.flush()
        for part in Path(folder).glob(".*.part"):
            part.unlink()
        yield


@contextlib.contextmanager
def in_turn(folder):
    """Hold `folder` for a short change, after whoever holds it so now."""
    with _opened(Path(folder) / "change.lock") as file:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _opened(path):
    try:
        return path.open("a+")
    except OSError as error:
        raise UserError(f"{path}: expected a file that can be written, got: {error.strerror}") from error

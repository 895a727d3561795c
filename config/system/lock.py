"""One writer a folder."""

import contextlib
import os
from pathlib import Path

from config.system import machine
from config.system.errors import UserError


@contextlib.contextmanager
def only_writer(folder):
    """Hold `folder` for this process; what a killed process left half-written is removed.

    The lock is the operating system's, so that of a dead process is none.

    Raises:
        UserError: another process holds it.
    """
    with _held(Path(folder) / "training.lock", wait=False) as file:
        file.truncate(0)
        file.write(f"{os.getpid()}")
        file.flush()
        for part in Path(folder).glob(".*.part"):
            part.unlink()
        yield


@contextlib.contextmanager
def in_turn(folder):
    """Hold `folder` for a short change, after whoever holds it so now."""
    with _held(Path(folder) / "change.lock", wait=True):
        yield


@contextlib.contextmanager
def _held(path, wait):
    """Hold the file `path`, which is there as long as it is held, and yield it."""
    while True:
        with _opened(path) as file:
            _lock(path, file, wait)
            # whoever held it before has removed it by now, and another may stand in its place
            if not _is_at(path, file):
                continue
            try:
                yield file
            finally:
                # Windows does not remove an open file
                with contextlib.suppress(OSError):
                    path.unlink()
            return


def _opened(path):
    try:
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: expected a file that can be written, got: {error.strerror}") from error


def _lock(path, file, wait):
    try:
        machine.lock(file, wait)
    except OSError as error:
        file.seek(0)
        raise UserError(
            f"{path.parent}: expected to be the only one to write there, but process {file.read().strip()} is "
            "training into it; wait for it, or give another --tag"
        ) from error


def _is_at(path, file):
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False

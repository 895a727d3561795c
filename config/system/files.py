"""Files: read within limits, and written whole or not at all."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from config.system.errors import UserError

# the most bytes that are read of a file; of an archive also the most that it may unpack to
YAML = 100_000
TABLE = 50_000_000
MANIFEST = 1_000_000
PICTURE = 1_000_000_000
# more than any checkpoint or training state that the configuration allows
ARRAYS = 4_000_000_000


@contextlib.contextmanager
def opened(path, expected, most):
    """Open the file `path` and yield it, to read bytes. A device or a pipe is never opened.

    Args: `expected`, in words what the file should be; `most`, its largest size in bytes.

    Raises:
        UserError: there is no such file, it is a folder, a device or a pipe, or it is larger than `most`.
    """
    with contextlib.ExitStack() as stack:
        try:
            found = Path(path).stat()
            if not stat.S_ISREG(found.st_mode):
                raise UserError(f"{path}: expected {expected}, got {kind_of(found.st_mode)}")
            if found.st_size > most:
                raise UserError(f"{path}: expected {expected} of at most {most:,} bytes, got {found.st_size:,}")
            file = stack.enter_context(Path(path).open("rb"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: expected {expected}, got: {getattr(error, 'strerror', None) or error}") from error
        yield file


def kind_of(mode):
    """Return in words what a path is that is no regular file, given its `mode`."""
    kinds = {"a folder": stat.S_ISDIR, "a pipe": stat.S_ISFIFO, "a device": stat.S_ISCHR, "a disk": stat.S_ISBLK}
    return next((name for name, is_kind in kinds.items() if is_kind(mode)), "no regular file")


def require_file(path, expected, most):
    """Check that the file `path` can be read.

    Raises:
        UserError: as of `opened`.
    """
    with opened(path, expected, most):
        pass


def read_bytes(path, expected, most):
    """Return the content of the file `path`. Args and errors: as of `opened`."""
    with opened(path, expected, most) as file:
        content = file.read(most + 1)
    # a file of the system may say that it has no size
    if len(content) > most:
        raise UserError(f"{path}: expected {expected} of at most {most:,} bytes, got more")
    return content


def read_text(path, expected, most):
    """Return the text of the file `path`, in UTF-8, without the mark that spreadsheets put before it.

    Args: as of `opened`.

    Raises:
        UserError: as of `opened`, or it is no text.
    """
    try:
        return read_bytes(path, expected, most).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: expected {expected}, got: {error}") from error


def write_atomically(path, content, flush=True):
    """Write the bytes `content` to `path`: aside, flushed to the disk, then renamed over it.

    Whatever goes wrong, the file that stood there stays as it was.

    Args: `flush`, False for one of many files that can be made again: the disk may write it later, which takes less
    time, but if the machine loses its power before that, the file may be empty.

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
            if flush:
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


def require_replaceable(path):
    """Make the folder of the file `path` and check that the file can be written, or replaced.

    Raises:
        UserError: it cannot, or a folder stands in its place.
    """
    require_writable(Path(path).parent)
    if Path(path).is_dir():
        raise UserError(f"{path}: expected a file, or a place for one, got a folder")

"""The IDX files of LeCun, Cortes and Burges: arrays of bytes, plain or gzipped."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from config.system import files
from config.system.errors import UserError

UNSIGNED_BYTE = 0x08
MOST_AXES = 4


def read_idx(path):
    """Return the uint8 array in the IDX file `path`, which may be gzipped (.gz).

    No more is unpacked than the header says.

    Raises:
        UserError: the file is not an IDX file of unsigned bytes, its length is not what its header says, or it is
            larger than files.ARRAYS.
    """
    path = Path(path)
    with files.opened(path, "an IDX file", files.ARRAYS) as file:
        try:
            return _array(path, gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{path}: expected a readable IDX file, got: {error}") from error


def _array(path, file):
    magic = file.read(4)
    if len(magic) < 4 or magic[:3] != bytes([0, 0, UNSIGNED_BYTE]) or magic[3] > MOST_AXES:
        raise UserError(f"{path}: expected an IDX file of unsigned bytes, got one that begins {magic!r}")
    sizes = file.read(4 * magic[3]).ljust(4 * magic[3], b"\0")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    if (count := math.prod(shape)) > files.ARRAYS:
        raise UserError(f"{path}: expected at most {files.ARRAYS:,} bytes, got the shape {shape}")
    raw = file.read(count + 1)
    if len(raw) != count:
        found = len(raw) if len(raw) < count else "more"
        raise UserError(f"{path}: expected {count} bytes for shape {shape}, got {found}")
    return np.frombuffer(raw, np.uint8).reshape(shape)

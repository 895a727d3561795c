"""The IDX files of LeCun, Cortes and Burges: arrays of bytes, plain or gzipped."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from config.system.errors import UserError

UNSIGNED_BYTE = 0x08
MOST_AXES = 4


def read_idx(path):
    """Return the uint8 array in the IDX file `path`, which may be gzipped (.gz).

    Raises:
        UserError: the file is not an IDX file of unsigned bytes, or its length is not what its header says.
    """
    raw = _read_bytes(Path(path))
    if len(raw) < 4 or raw[:3] != bytes([0, 0, UNSIGNED_BYTE]) or raw[3] > MOST_AXES:
        raise UserError(f"{path}: expected an IDX file of unsigned bytes, got one that begins {raw[:4]!r}")
    rank = raw[3]
    header = 4 + 4 * rank
    shape = tuple(int(size) for size in np.frombuffer(raw[4:header].ljust(4 * rank, b"\0"), ">u4"))
    if len(raw) - header != math.prod(shape):
        raise UserError(f"{path}: expected {math.prod(shape)} bytes for shape {shape}, got {len(raw) - header}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _read_bytes(path):
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: expected a readable IDX file, got: {error}") from error

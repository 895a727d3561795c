"""The .npz files of numpy: zip archives of arrays."""

import contextlib
import zipfile

import numpy as np

from config.system import files
from config.system.errors import UserError


@contextlib.contextmanager
def opened(path, expected):
    """Yield the arrays in the .npz file `path` by name, each read when it is asked for, without pickles.

    Args: `expected`, in words what the file should be.

    Raises:
        UserError: the file is missing, damaged or no regular file, it or its content is larger than files.ARRAYS, or
            what the caller does with the content fails.
    """
    try:
        with files.opened(path, expected, files.ARRAYS) as file:
            size = sum(member.file_size for member in zipfile.ZipFile(file).infolist())
            if size > files.ARRAYS:
                raise UserError(f"{path}: expected {expected} of at most {files.ARRAYS:,} bytes, unpacks to {size:,}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                yield archive
    except UserError:
        raise
    except Exception as error:  # a damaged zip fails in many ways, each of them the user's broken file
        raise UserError(f"{path}: expected {expected}, got a damaged file ({error!r:.200})") from error

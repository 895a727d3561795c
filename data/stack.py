"""One array of images in a file, .npy or .npz, or the slices of a NIfTI volume, as a data set."""

from pathlib import Path

import numpy as np

from config.system import files
from config.system.errors import UserError
from data import nifti, npz

EXPECTED = "an array of images, uint8 or real numbers from 0 to 1, [N, H, W] or [N, H, W, 1 or 3]"
# of so many images the last is for tests
EACH = 10


def stack(path):
    """Return x_train and x_test, uint8 [N, H, W] or [N, H, W, C], of the array in the file `path`.

    Of each ten images the last is for tests.

    Raises:
        UserError: there is no such file, it is damaged, or it is another array.
    """
    images = read(path)
    is_real = images.dtype.kind == "f"
    if images.ndim not in (3, 4) or not (is_real or images.dtype == np.uint8) or len(images) < EACH:
        raise UserError(f"{path}: expected {EXPECTED}, at least {EACH}, got {images.dtype} {images.shape}")
    if is_real:
        least, most = images.min(), images.max()
        if not 0 <= least <= most <= 1:
            raise UserError(f"{path}: expected {EXPECTED}, got values from {least:g} to {most:g}")
        images = np.uint8(np.rint(255 * images))
    is_test = np.arange(len(images)) % EACH == EACH - 1
    return {"x_train": images[~is_test], "x_test": images[is_test]}


def read(path):
    """Return the array in the file `path`: that of a .npy file, the only one of a .npz file, or the slices of a volume.

    Raises:
        UserError: there is no such file, it is damaged, or it has several arrays.
    """
    if not path:
        raise UserError(f"data_dir: expected the file with {EXPECTED}, got none")
    if str(path).lower().endswith(nifti.SUFFIXES):
        return nifti.slices(path)
    if Path(path).suffix.lower() == ".npz":
        with npz.opened(path, EXPECTED) as archive:
            if len(archive.files) != 1:
                raise UserError(f"{path}: expected one array, got {', '.join(archive.files)[:200]}")
            return archive[archive.files[0]]
    with files.opened(path, EXPECTED, files.ARRAYS) as file:
        try:
            return np.load(file, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise UserError(f"{path}: expected {EXPECTED}, got: {error}") from error

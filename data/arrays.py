"""Data sets that are four arrays: x_train, y_train, x_test and y_test."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from config.system.errors import UserError
from data import npz
from data.idx import read_idx

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
HELD_OUT = 10_000
# the splits that are parts of the training images
PARTS = {"held-out": slice(-HELD_OUT, None), "rest": slice(-HELD_OUT)}


@dataclass(frozen=True)
class Arrays:
    """A data set of arrays.

    Args: `read`, function(data_dir) → uint8 x_train and x_test and, if it has them, the labels y_train and y_test.
    """

    read: Callable

    def shape(self, image_size, channels):
        """None: the shape of the images is known only once they are read."""

    def load(self, name, split, data_dir, *_):
        """Return the images [N, H, W, C] and labels [N] of a split; None for labels that there are not.

        Raises:
            UserError: the files are missing or broken, or there are too few images to hold some out.
        """
        arrays, prefix = self.read(data_dir), "test" if split == "test" else "train"
        images, labels = _images(arrays[f"x_{prefix}"], name), arrays.get(f"y_{prefix}")
        if split in PARTS and len(images) <= HELD_OUT:
            raise UserError(
                f"held-out images of {name}: expected more than {HELD_OUT:,} training images, got {len(images):,}"
            )
        part = PARTS.get(split, slice(None))
        return images[part], None if labels is None else np.asarray(labels).reshape(-1)[part]


def _images(array, name):
    images = array[..., None] if array.ndim == 3 else array
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] not in (1, 3):
        found = f"{array.dtype} {array.shape}"
        raise UserError(f"dataset {name}: expected uint8 images [N, H, W] or [N, H, W, 3], got {found}")
    return images


def published(name, data_dir, idx_files=IDX_FILES):
    """Return the arrays of a data set that Keras knows as `name`, from files in `data_dir` or, if empty, a download.

    Args: `idx_files`, the names of the IDX files by array, if the data set was published so.

    Raises:
        UserError: the files are missing or broken, or the download failed.
    """
    files = f"{name}.npz" + (f" or {', '.join(idx_files.values())} (or the same with .gz)" if idx_files else "")
    if not data_dir:
        return _download(name, f"expected {files} in --data_dir=FOLDER")
    if (archive := Path(data_dir) / f"{name}.npz").exists():
        return read_npz(archive)
    plain = {field: Path(data_dir) / file for field, file in idx_files.items()}
    paths = {field: path if path.exists() else path.with_name(f"{path.name}.gz") for field, path in plain.items()}
    missing = [plain[field].name for field, path in paths.items() if not path.exists()]
    if missing or not paths:
        hint = f"; missing there: {', '.join(missing or [archive.name])}"
        raise UserError(f"data_dir: expected {files} in --data_dir={data_dir}{hint}")
    return {field: read_idx(path) for field, path in paths.items()}


def read_npz(path):
    """Return the arrays x_train, y_train, x_test and y_test of the file `path`, by name.

    Raises:
        UserError: the file is missing or broken, or lacks one of them.
    """
    if not Path(path).exists():
        raise UserError(f"{path}: expected the file of the data set, got none; --data_dir=FOLDER names its folder")
    with npz.opened(path, f"arrays {', '.join(IDX_FILES)}") as archive:
        return {field: archive[field] for field in IDX_FILES}


def _download(name, otherwise):
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:
        raise UserError(f"dataset {name}: the download failed ({error}); {otherwise}") from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}

"""Image data sets by name. Adding one is a line in DATASETS, or in FILES of data/pictures.py if it is of picture files.

Images are uint8 [N, H, W, C], an array or `pictures.Pictures`; a batch is float32 in [0, 1].
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from config.system.errors import UserError
from data import embedded, pictures
from data.idx import read_idx

# name of the data set: the name of its .npz file and of Keras's downloader
DATASETS = {"mnist": None, "mnist-gray": "mnist", "fashion-mnist": "fashion_mnist", "cifar10": "cifar10"}
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
HELD_OUT = 10_000
# the splits that are parts of the training images
PARTS = {"held-out": slice(-HELD_OUT, None), "rest": slice(-HELD_OUT)}


class Split(NamedTuple):
    """Images and their classes."""

    images: np.ndarray | pictures.Pictures  # [N, H, W, C] uint8
    labels: np.ndarray | None  # [N] uint8; None of pictures


def load(name, split, data_dir="", image_size=64):
    """The images and labels of a data set.

    Args:
        name: a key of DATASETS or of pictures.FILES.
        split: "train", "test", "held-out" (for making choices: the last 10,000 training images, or
            pictures apart from them), or "rest" (the training images without the held-out).
        data_dir: folder with the files of a data set that is not embedded: pictures, or the four IDX
            files (.gz or not) or one .npz with x_train, y_train, x_test, y_test. Empty: Keras downloads.
        image_size: pixels a side of pictures.

    Raises:
        UserError: an unknown name, missing or broken files, a failed download, or too few images to
            hold some out.
    """
    if shape := shape_of_pictures(name, image_size):
        return Split(pictures.load(name, "train" if split == "rest" else split, data_dir, shape[0]), None)
    if name not in DATASETS:
        raise UserError(f"dataset: expected one of {', '.join([*DATASETS, *pictures.FILES])}, got {name!r}")
    arrays = _arrays(name, data_dir)
    if split in PARTS and (count := len(arrays["x_train"])) <= HELD_OUT:
        raise UserError(f"held-out images of {name}: expected more than {HELD_OUT:,} training images, got {count:,}")
    prefix = "test" if split == "test" else "train"
    whole = Split(_as_images(arrays[f"x_{prefix}"], name), np.asarray(arrays[f"y_{prefix}"]).reshape(-1))
    return Split(*(values[PARTS.get(split, slice(None))] for values in whole))


def shape_of_pictures(name, image_size):
    """The shape [H, W, C] of a data set's pictures before any is read; None of data sets that are no pictures."""
    size = pictures.SIZES.get(name, image_size)
    return (size, size, pictures.CHANNELS) if name in pictures.FILES else None


def _arrays(name, data_dir):
    if DATASETS[name] is None:
        return embedded.load()
    return _from_folder(name, Path(data_dir)) if data_dir else _download(name)


def _from_folder(name, folder):
    archive = folder / f"{DATASETS[name]}.npz"
    if archive.exists():
        return _read_npz(archive)
    if name == "cifar10":
        raise UserError(f"data_dir: {_what_to_put(name, folder)}, which is not there")
    plain = {field: folder / file for field, file in IDX_FILES.items()}
    paths = {field: path if path.exists() else path.with_name(f"{path.name}.gz") for field, path in plain.items()}
    if missing := [plain[field].name for field, path in paths.items() if not path.exists()]:
        raise UserError(f"data_dir: {_what_to_put(name, folder)}; missing there: {', '.join(missing)}")
    return {field: read_idx(path) for field, path in paths.items()}


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            return {field: file[field] for field in IDX_FILES}
    except Exception as error:  # a damaged zip fails in many ways, each of them the user's broken file
        raise UserError(f"{path}: expected arrays {', '.join(IDX_FILES)}, got: {error}") from error


def _download(name):
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, DATASETS[name]).load_data()
    except Exception as error:
        raise UserError(f"dataset {name}: the download failed ({error}); {_what_to_put(name, 'FOLDER')}") from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _what_to_put(name, folder):
    idx = "" if name == "cifar10" else f" or {', '.join(IDX_FILES.values())} (or the same with .gz)"
    return f"expected {DATASETS[name]}.npz{idx} in --data_dir={folder}"


def _as_images(array, name):
    images = array[..., None] if array.ndim == 3 else array
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] not in (1, 3):
        found = f"{array.dtype} {array.shape}"
        raise UserError(f"dataset {name}: expected uint8 images [N, H, W] or [N, H, W, 3], got {found}")
    return images

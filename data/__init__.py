"""Data sets of images by name.

Images are uint8 [N, H, W, C]: an array, or `Pictures`, which reads picture files when they are needed. A batch of
them is float32 in [0, 1] (data/batches.py).

To add a data set, write a function and add its line to DATASETS: in `Arrays` a function that returns the four
arrays, in `Folder` one that lists the picture files of a split.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from config.system.errors import UserError
from data import embedded
from data.amat import larochelle
from data.arrays import Arrays, published
from data.picture_folder import Folder, Pictures, in_celeba, in_folder
from data.stack import stack

DATASETS = {
    "mnist": Arrays(lambda data_dir: embedded.load()),
    "mnist-larochelle": Arrays(larochelle),
    "mnist-gray": Arrays(partial(published, "mnist")),
    "fashion-mnist": Arrays(partial(published, "fashion_mnist")),
    "cifar10": Arrays(partial(published, "cifar10", idx_files={})),
    "array_file": Arrays(stack),
    "image_folder": Folder(in_folder),
    "celeba": Folder(in_celeba),
    "cartoons": Folder(in_folder, size=256),
}


class Split(NamedTuple):
    """Images and their classes."""

    images: np.ndarray | Pictures  # [N, H, W, C] uint8
    labels: np.ndarray | None  # [N] uint8; None where there are none


def load(name, split, data_dir="", image_size=64, channels=3, window=""):
    """Load the images and labels of a data set.

    Args:
        name: a key of DATASETS.
        split: "train", "test", "held-out" (for choices: the last 10,000 training images, or a tenth of the
            pictures) or "rest" (the training images that are not held out).
        data_dir: the folder with the files of the data set: its pictures, or one .npz with x_train, y_train,
            x_test and y_test, or the four IDX files of MNIST (.gz or not), or the three text files of
            Larochelle and Murray. For "array_file" it is the file itself, .npy or .npz. Empty: Keras downloads arrays.
            "mnist" is part of this repository and needs no folder.
        image_size: side of the pictures, in pixels, where the data set has no size of its own.
        channels: 3, or 1 for pictures in grey, where the data set is of picture files.
        window: "LOW,HIGH", the values that are black and white in picture files of 16 bits or of real numbers;
            empty: by the range of each.

    Raises:
        UserError: no data set has this name, its files are missing or broken, the download failed, or there
            are too few images to hold some out.
    """
    if name not in DATASETS:
        raise UserError(f"dataset: expected one of {', '.join(DATASETS)}, got {name!r}")
    return Split(*DATASETS[name].load(name, split, data_dir, image_size, channels, window))


def shape_of_pictures(name, image_size, channels):
    """Return the shape [H, W, C] of a data set's pictures before any is read, None for a data set of arrays."""
    return DATASETS[name].shape(image_size, channels) if name in DATASETS else None

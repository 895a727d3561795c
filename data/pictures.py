"""Data sets of picture files: a folder of any, and CelebA."""

import functools
import hashlib
import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from config.system.errors import UserError
from data import picture

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
CHANNELS = 3
# of the files of a folder, those whose hash is in these parts of [0, 1)
SHARES = {"test": (0, 0.1), "held-out": (0.1, 0.2), "train": (0.2, 1)}
SPLIT_SEED = 0
# the numbers of CelebA's list
PARTITIONS = {"train": "0", "held-out": "1", "test": "2"}
# decoded pictures stay in memory if they take no more than this share of it
MEMORY_SHARE = 0.25


class Pictures:
    """Picture files as if they were an array uint8 [N, H, W, 3]: `shape`, `len`, slices, arrays of indices.

    An index decodes files, several at a time, unless they are held in memory. A slice is a view. A file
    that cannot be read is a UserError, which `failure` keeps for those who are told of it as another error.

    Args: `files`, paths; `size`, pixels a side; `held`, the decoded pictures [N, H, W, 3] or None.
    """

    def __init__(self, files, size, held=None):
        self.files, self.held, self.failure = files, held, None
        self.shape = (len(files), size, size, CHANNELS)
        self.dtype = np.dtype(np.uint8)
        self.ndim = len(self.shape)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        """The pictures at an array of indices, uint8 [K, H, W, 3]; or the Pictures in a slice."""
        if isinstance(index, slice):
            return Pictures(self.files[index], self.shape[1], None if self.held is None else self.held[index])
        if self.held is not None:
            return self.held[index]
        try:
            return np.concatenate(list(workers().map(self.decode, [self.files[i] for i in index])))
        except UserError as error:
            self.failure = error
            raise

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[np.arange(len(self))], dtype)

    def decode(self, path):
        """The picture in a file, uint8 [1, H, W, 3], its middle square."""
        return picture.load(path, self.shape[1:], crop=True)


@functools.cache
def workers():
    """The threads that decode, one a core."""
    return ThreadPoolExecutor(os.cpu_count())


@functools.lru_cache(maxsize=3)
def load(name, split, folder, size):
    """The Pictures of a split of the data set `name` in `folder`, every file of it tried once.

    Files that cannot be read are named on stderr, counted and left out. The pictures are held in memory
    if they take at most a quarter of it; otherwise each is decoded whenever it is used. A folder is
    read once a process.

    Raises:
        UserError: there is no such folder, no picture of the split in it, or not the list it should have.
    """
    if not folder or not Path(folder).is_dir():
        raise UserError(f"data_dir: expected the folder of the pictures of {name}, got {folder!r}")
    files = FILES[name](Path(folder), split)
    found = Pictures(files, size)
    held = np.empty(found.shape, np.uint8) if math.prod(found.shape) <= MEMORY_SHARE * memory() else None
    good = [i for i, is_good in enumerate(tried(found, held)) if is_good]
    if len(good) < len(files):
        print(f"{folder}: skipped {len(files) - len(good)} of {len(files)} {split} files", file=sys.stderr)
    if not good:
        raise UserError(
            f"data_dir: expected pictures for the {split} split in {folder}, got none of {len(files)} files"
        )
    if len(good) < len(files):
        files, held = [files[i] for i in good], None if held is None else held[good]
    return Pictures(files, size, held)


def tried(pictures, held):
    """Decode every file, into `held` unless it is None; for each, whether it could be read."""

    def attempt(i):
        try:
            decoded = pictures.decode(pictures.files[i])
        except UserError as error:
            tqdm.write(f"skipped {' '.join(str(error).split())}", file=sys.stderr)
            return False
        if held is not None:
            held[i] = decoded[0]
        return True

    count = len(pictures)
    yield from tqdm(workers().map(attempt, range(count)), "reading", count, unit="picture", leave=False, disable=None)


def memory():
    """The machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def in_folder(folder, split):
    """The picture files anywhere below `folder` that belong to `split`, ordered by the hash of their names.

    A name's hash says which split it is in: files that are added or removed move no other.
    """
    low, high = SHARES[split]
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    places = {path: place(path.relative_to(folder)) for path in found}
    return sorted((path for path, at in places.items() if low <= at < high), key=places.get)


def place(name):
    """The hash of a path as a number in [0, 1)."""
    digest = hashlib.blake2b(
        name.as_posix().encode("utf-8", "surrogateescape"), digest_size=6, salt=bytes([SPLIT_SEED])
    )
    return int.from_bytes(digest.digest(), "big") / 2**48


def in_celeba(folder, split):
    """The files of a split of CelebA by its own list, in its order.

    Raises:
        UserError: the list or the folder of images is not there, or the list is another.
    """
    path, images = folder / "list_eval_partition.txt", folder / "img_align_celeba"
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        chosen = [images / name for name, partition in rows if partition == PARTITIONS[split]]
    except (OSError, ValueError) as error:
        raise UserError(f"data_dir: expected {path} with lines of 'file partition', got: {error}") from error
    if not images.is_dir():
        raise UserError(f"data_dir: expected the pictures of CelebA in {images}, got no such folder")
    return chosen


# name of the data set: its files by folder and split
FILES = {"image_folder": in_folder, "cartoons": in_folder, "celeba": in_celeba}
# those of a size of their own, pixels a side
SIZES = {"cartoons": 256}

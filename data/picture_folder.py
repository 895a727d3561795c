"""Data sets of picture files: a folder of any pictures, and CelebA."""

import bisect
import functools
import hashlib
import math
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

import config
from config.system import machine
from config.system.errors import UserError
from config.system.files import TABLE, read_text
from data import picture_file

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
# the range of hashes, within [0, 1), whose files belong to each split
SHARES = {"test": (0, 0.1), "held-out": (0.1, 0.2), "train": (0.2, 1)}
SPLIT_SEED = 0
# where CelebA's list and pictures may be: as its authors publish them, and as Kaggle's archive unpacks
LISTS = "list_eval_partition.txt", "list_eval_partition.csv"
IMAGES = "img_align_celeba", "img_align_celeba/img_align_celeba"
# the numbers that stand for the splits in that list
PARTITIONS = {"train": "0", "held-out": "1", "test": "2"}
# decoded pictures stay in memory if they take no more than this share of it
MEMORY_SHARE = 0.25


@dataclass(frozen=True)
class Folder:
    """A data set of picture files.

    Args: `files`, function(folder, split) → paths in order; `size`, their side in pixels, None for `image_size`.
    """

    files: Callable
    size: int | None = None

    def shape(self, image_size, channels):
        """Return the shape [H, W, C] of its pictures."""
        side = self.size or image_size
        return side, side, channels

    def load(self, name, split, data_dir, image_size, channels, window):
        """Return the Pictures of a split, and None for their labels.

        Raises:
            UserError: there is no such folder, no picture of the split in it, or not the list it should have.
        """
        shape = self.shape(image_size, channels)
        return read(name, self.files, "train" if split == "rest" else split, data_dir, shape, window), None


class Pictures:
    """Picture files that can be used like an array uint8 [N, H, W, C]: `shape`, `len`, slices, arrays of indices.

    An array of indices decodes its files, several at a time, unless they are held in memory. A slice is a
    view. A file that cannot be read raises a UserError. It is kept in `failure` too, because TensorFlow
    raises another error in its place.

    Args: `files`, paths; `shape`, [H, W, C] of one; `window`, as of picture_file.load; `held`, the decoded pictures
    [N, H, W, C] or None.
    """

    def __init__(self, files, shape, window="", held=None):
        self.files, self.window, self.held, self.failure = files, window, held, None
        self.shape = (len(files), *shape)
        self.dtype = np.dtype(np.uint8)
        self.ndim = len(self.shape)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        """Return the pictures at an array of indices, uint8 [K, H, W, C], or the Pictures in a slice."""
        if isinstance(index, slice):
            held = None if self.held is None else self.held[index]
            return Pictures(self.files[index], self.shape[1:], self.window, held)
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
        """Return the middle square of the picture in a file, uint8 [1, H, W, C]."""
        return picture_file.load(path, self.shape[1:], crop=True, window=self.window)


@functools.cache
def workers():
    """The threads that decode, one for each core."""
    return ThreadPoolExecutor(os.cpu_count())


@functools.lru_cache(maxsize=3)
def read(name, files, split, folder, shape, window):
    """Return the Pictures, each of `shape`, of a split of the data set `name`, after decoding every file once.

    Files that cannot be read are named on stderr, counted and left out. The pictures are held in memory
    if they take at most a quarter of it. Otherwise each is decoded whenever it is used. A folder is read
    once a process.

    Raises:
        UserError: there is no such folder, no picture of the split in it, or not the list it should have.
    """
    config.require_pictures(name, folder)
    listed = Pictures(files(Path(folder), split), shape, window)
    held = np.empty(listed.shape, np.uint8) if math.prod(listed.shape) <= MEMORY_SHARE * machine.memory() else None
    good = []
    for i, picture in enumerate(decode_all(listed.files, listed.decode, f" {split}")):
        if picture is not None:
            good.append(i)
            if held is not None:
                held[i] = picture[0]
    if not good:
        count = len(listed)
        raise UserError(f"data_dir: expected pictures for the {split} split in {folder}, got none in {count} files")
    if len(good) == len(listed):
        return Pictures(listed.files, shape, window, held)
    return Pictures([listed.files[i] for i in good], shape, window, None if held is None else held[good])


def decode_all(files, decode, kind=""):
    """Decode every file, several at a time, and yield each picture, or None where it cannot be read.

    Such files are named on stderr, and at the end counted. Args: `kind`, a word before "files".
    """

    def attempt(path):
        try:
            return decode(path)
        except UserError as error:
            tqdm.write(f"skipped {' '.join(str(error).split())}", file=sys.stderr)
            return None

    count, skipped = len(files), 0
    for picture in tqdm(workers().map(attempt, files), "reading", count, unit="picture", leave=False, disable=None):
        skipped += picture is None
        yield picture
    if skipped:
        print(f"skipped {skipped} of {count}{kind} files", file=sys.stderr)


def in_folder(folder, split):
    """List the picture files anywhere below `folder` that belong to `split`, ordered by the hash of their names.

    The hash of a file's name chooses its split. So a file that is added or removed moves no other, unless the folder
    is so small that a split would be empty: it then has one file, that of the nearest hash.

    Raises:
        UserError: there are fewer files than splits.
    """
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    if len(found) < len(SHARES):
        wanted = f"at least {len(SHARES)} pictures, one for each of {', '.join(SHARES)}"
        raise UserError(f"data_dir: expected {wanted}, got {len(found)} in {folder}")
    hashes = {path: hash_of(path.relative_to(folder)) for path in found}
    ordered = sorted(found, key=hashes.get)
    return ordered[slice(*limits([hashes[path] for path in ordered])[split])]


def limits(hashes):
    """Return where each split begins and ends among sorted `hashes`, at least as many as splits; none is empty."""
    found, begin, left = {}, 0, len(SHARES)
    for split, (_, high) in SHARES.items():
        left -= 1
        end = min(max(bisect.bisect_left(hashes, high), begin + 1), len(hashes) - left)
        found[split], begin = (begin, end), end
    return found


def hash_of(path):
    """Return the hash of a path, a number in [0, 1)."""
    name = path.as_posix().encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(name, digest_size=6, salt=bytes([SPLIT_SEED])).digest()
    return int.from_bytes(digest, "big") / 2**48


def in_celeba(folder, split):
    """List the files of a split of CelebA, as its own list has them and in the order of that list.

    List and pictures may be as its authors publish them or as Kaggle's archive unpacks.

    Raises:
        UserError: the list or the folder of images is missing, or the list has another form.
    """
    path = next((folder / name for name in LISTS if (folder / name).exists()), None)
    if path is None:
        raise UserError(f"data_dir: expected CelebA's {' or '.join(LISTS)} in {folder}, got neither")
    lines = read_text(path, "the list of CelebA, with lines of 'file partition'", TABLE).splitlines()
    images = next((folder / name for name in reversed(IMAGES) if (folder / name).is_dir()), None)
    if images is None:
        raise UserError(f"data_dir: expected the pictures of CelebA in {folder / IMAGES[0]}, got no such folder")
    # the list of commas has a heading
    rows = [line.replace(",", " ").split() for line in lines[path.suffix == ".csv" :] if line.strip()]
    try:
        return [images / name for name, partition in rows if partition == PARTITIONS[split]]
    except ValueError as error:
        raise UserError(f"data_dir: expected {path} with lines of 'file partition', got: {error}") from error

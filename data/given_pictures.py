"""Pictures that a user names: files, or folders of them."""

import os
from collections import Counter
from pathlib import Path

import numpy as np

from config.system.errors import UserError
from data import picture_file
from data.picture_folder import SUFFIXES, decode_all


def find(names):
    """Return the pictures that `names` name, path → name of the picture that is made of it, a relative path to a .png.

    The relative path is that in the folder, or in the folder that all have in common. Where two files differ in their
    suffix alone, the new name keeps it: a.jpg.png.

    Args: `names`, texts, each a file, a folder, or several separated by commas.

    Raises:
        UserError: none is named, a file that is named alone is no picture, or a folder has none.
    """
    places = [Path(part) for name in names for part in ([name] if Path(name).exists() else name.split(",")) if part]
    found = list(dict.fromkeys(path for place in places for path in in_place(place)))
    if not found:
        raise UserError(f"--image: expected a picture, several separated by commas, or a folder, got {names!r}")
    if len(found) == 1:
        picture_file.require(found[0])
    root = os.path.commonpath([place.absolute() if place.is_dir() else place.absolute().parent for place in places])
    relative = [path.absolute().relative_to(root) for path in found]
    alike = Counter(path.with_suffix("") for path in relative)
    plain = [path if alike[path.with_suffix("")] > 1 else path.with_suffix("") for path in relative]
    return {path: name.with_name(f"{name.name}.png") for path, name in zip(found, plain, strict=True)}


def in_place(place):
    """Return the pictures anywhere below a folder, in order, or the file itself.

    Raises:
        UserError: the folder has none.
    """
    if not place.is_dir():
        return [place]
    found = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise UserError(f"--image: expected a folder of pictures, got none in {place}")
    return found


def load(paths, read):
    """Return those of `paths` that can be read and their pictures, uint8 [N, H, W, C].

    The others are named on stderr and counted.

    Args: `read`, function of a path → uint8 [1, H, W, C].

    Raises:
        UserError: none can be read.
    """
    if len(paths) == 1:
        return paths, read(paths[0])
    decoded = list(decode_all(paths, read))
    good = [path for path, picture in zip(paths, decoded, strict=True) if picture is not None]
    if not good:
        raise UserError(f"--image: expected pictures, got none in {len(paths)} files")
    return good, np.concatenate([picture for picture in decoded if picture is not None])

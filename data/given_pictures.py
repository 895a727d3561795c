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

    The relative path is that in the folder, or in the folder that all have in common. Where two new names would be the
    same, because the files differ in their suffix alone, they keep it: a.jpg.png.

    Args: `names`, texts, each a file, a folder, or several separated by commas.

    Raises:
        UserError: none is named, a file that is named alone is no picture, or a folder has none.
    """
    places = [Path(part) for name in names for part in ([name] if Path(name).exists() else name.split(",")) if part]
    found = {}
    for path in (path for place in places for path in in_place(place)):
        found.setdefault(whole(path), path)
    if not found:
        raise UserError(f"--image: expected a picture, several separated by commas, or a folder, got {names!r}")
    if len(found) == 1:
        picture_file.require(*found.values())
    root = os.path.commonpath([whole(place if place.is_dir() else place.parent) for place in places])
    relative = [path.relative_to(root) for path in found]
    # a.png.jpg without its suffix is as a.png with it
    alike = Counter([path.with_suffix("") for path in relative] + [path for path in relative if path.suffix])
    plain = [path if alike[path.with_suffix("")] > 1 else path.with_suffix("") for path in relative]
    return {path: name.with_name(f"{name.name}.png") for path, name in zip(found.values(), plain, strict=True)}


def whole(path):
    """Return the absolute path without "..", which would lead out of the folder of the results; links stay."""
    return Path(os.path.normpath(path.absolute()))


def require_outside(folders, paths):
    """Check that none of the pictures `paths` is in one of `folders`, to which is written.

    Raises:
        UserError: one is.
    """
    written = {Path(os.path.realpath(folder)) for folder in folders}
    for path in paths:
        if not written.isdisjoint(Path(os.path.realpath(path)).parents):
            raise UserError(
                f"--image: expected pictures that are not in {', '.join(map(str, folders))}, where the results go, "
                f"got {path}"
            )


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

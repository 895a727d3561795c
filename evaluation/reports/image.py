"""Reconstruct pictures of your own with every model, with PSNR, SSIM and blur of each.

    python evaluate.py image --image=digit.png --loss=ours
    python evaluate.py image --image=FOLDER --loss=ours             every picture in it
    python evaluate.py image --image=photo.jpg --prepare=digit      a digit on paper

Each reconstruction has the size and the name of its picture. Scores are those at the size of the model, and in
reconstruction.csv. A model of damaged images sees a picture damaged.
"""

from functools import cache, partial
from pathlib import Path

from config.command_line import checkpoint_files
from config.system.errors import UserError
from evaluation.reports import add_latents, add_output, add_pictures, begin, warn_if_light
from evaluation.reports.table import PAPER_LOSSES


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    add_pictures(parser, "the pictures", required=True)
    text = "digit: turn a photograph of a dark digit on light paper into one like MNIST's"
    parser.add_argument("--prepare", choices=("digit",), help=text)
    parser.add_checkpoints(PAPER_LOSSES)
    add_latents(parser)
    add_output(parser, rows=False)


def main(flags):
    """Write the reconstruction of every picture by every checkpoint, a table of them, and print the mean scores.

    Raises:
        UserError: a checkpoint is missing, no file is a picture, or one is where the results go.
    """
    from data import given_pictures

    files = checkpoint_files(flags, PAPER_LOSSES)
    names = given_pictures.find(flags.image)
    given_pictures.require_outside([Path(flags.out_dir) / name / "reconstruction" for name in files], names)
    begin(flags)
    from evaluation import pictures
    from models import checkpoint

    load = cache(partial(load_pictures, (*names,), flags.prepare))
    for name, path in files.items():
        model, manifest = checkpoint.load_model(path)
        settings = checkpoint.configuration(manifest)
        paths, images = load(model.image_shape, settings.dataset, settings.window)
        made = pictures.reconstructed(model, images, flags.z, flags.seed)
        kept = {path: names[path] for path in paths}
        folder = Path(flags.out_dir) / name
        said = pictures.write(folder, "reconstruction", kept, made, flags.pair, own_size=not flags.prepare)
        print(f"{name}: {said}")


def load_pictures(paths, prepare, image_shape, dataset, window):
    """Return the paths that can be read, and their pictures as a model of a data set takes them, uint8 [N, H, W, C].

    Args: `window`, as of picture_file.load.

    Raises:
        UserError: no file is a picture, or `prepare` finds no digit or does not fit the model.
    """
    import numpy as np

    from data import given_pictures, photographed_digit, picture_file

    if not prepare:
        read = partial(picture_file.load, image_shape=image_shape, window=window)
        paths, images = given_pictures.load(paths, read)
        warn_if_light(paths, images, dataset)
        return paths, images
    if dataset not in ("mnist", "mnist-gray"):
        raise UserError(f"--prepare: expected with a model of mnist or mnist-gray, got it with one of {dataset}")
    paths, digits = given_pictures.load(paths, photographed_digit.load)
    return paths, np.uint8(digits > 127.5) * np.uint8(255) if dataset == "mnist" else digits

"""Reconstruct a picture of your own with every model, beside its PSNR and SSIM.

    python evaluate.py image --image=digit.png --loss=ours
    python evaluate.py image --image=photo.jpg --prepare=digit      a digit on paper

A model of damaged images sees the picture damaged.
"""

from pathlib import Path

from config.command_line import checkpoint_files
from config.system.errors import UserError
from evaluation.reports import add_latents, add_output, begin, warn_if_light
from evaluation.reports.table import PAPER_LOSSES


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    parser.add_argument("--image", metavar="FILE", required=True, help="the picture")
    text = "digit: turn a photograph of a dark digit on light paper into one like MNIST's"
    parser.add_argument("--prepare", choices=("digit",), help=text)
    parser.add_checkpoints(PAPER_LOSSES)
    add_latents(parser)
    add_output(parser, rows=False)


def main(flags):
    """Write the picture beside its reconstruction, and print PSNR and SSIM, for every checkpoint.

    Raises:
        UserError: a checkpoint is missing, or the file is no picture.
    """
    from data import picture_file

    files = checkpoint_files(flags, PAPER_LOSSES)
    picture_file.require(flags.image)
    begin(flags)
    import numpy as np

    from evaluation import grids, scoring
    from evaluation.metrics import METRICS
    from models import checkpoint

    for name, path in files.items():
        model, manifest = checkpoint.load_model(path)
        picture = load_picture(flags, model.image_shape, checkpoint.configuration(manifest).dataset)
        (batch,) = scoring.batches(model, picture, flags.z, flags.seed)
        psnr, ssim = (float(METRICS[metric].score(batch)[0]) for metric in ("psnr", "ssim"))
        out = Path(flags.out_dir) / name / f"{Path(flags.image).stem}_reconstruction.png"
        grids.save(out, grids.grid(np.concatenate([batch.image, batch.reconstruction])))
        print(f"{name}: PSNR {psnr:.2f} dB, SSIM {ssim:.3f}  {out}")


def load_picture(flags, image_shape, dataset):
    """Return the picture as a model of a data set takes it, uint8 [1, H, W, C].

    Raises:
        UserError: the file is no picture, or `--prepare` finds no digit in it or does not fit the model.
    """
    import numpy as np

    from data import photographed_digit, picture_file

    if flags.prepare and dataset not in ("mnist", "mnist-gray"):
        raise UserError(f"--prepare: expected with a model of mnist or mnist-gray, got it with one of {dataset}")
    if flags.prepare:
        digit = photographed_digit.load(flags.image)
        return np.uint8(digit > 127.5) * np.uint8(255) if dataset == "mnist" else digit
    picture = picture_file.load(flags.image, image_shape)
    warn_if_light(flags.image, picture, dataset)
    return picture

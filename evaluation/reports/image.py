"""Reconstruct a picture of your own with every model, beside its PSNR and SSIM.

    python evaluate.py image --image=digit.png --loss=ours

A model of damaged images sees the picture damaged.
"""

from pathlib import Path

from config.command_line import checkpoint_files
from evaluation.reports import add_latents, add_output, begin, warn_if_light
from evaluation.reports.table import PAPER_LOSSES


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    parser.add_argument("--image", metavar="FILE", required=True, help="the picture")
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
        picture = picture_file.load(flags.image, model.image_shape)
        warn_if_light(flags.image, picture, checkpoint.configuration(manifest).dataset)
        (batch,) = scoring.batches(model, picture, flags.z, flags.seed)
        psnr, ssim = (float(METRICS[metric].score(batch)[0]) for metric in ("psnr", "ssim"))
        out = Path(flags.out_dir) / name / f"{Path(flags.image).stem}_reconstruction.png"
        grids.save(out, grids.grid(np.concatenate([batch.image, batch.reconstruction])))
        print(f"{name}: PSNR {psnr:.2f} dB, SSIM {ssim:.3f}  {out}")

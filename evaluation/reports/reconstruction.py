"""What checkpoints make of the images they were trained to reconstruct: a table, or a user's picture."""

from pathlib import Path

import numpy as np

from config.system.errors import UserError
from data import batches, picture_file
from evaluation import grids
from evaluation.metrics import quality
from evaluation.reports import table
from models import checkpoint


def report(found, images, arguments):
    """The table of the checkpoints `found` (name → file) on uint8 images [N, H, W, C]: (rows, text).

    `arguments` has dataset, split, z and seed.

    Raises:
        UserError: a model is one of images of another shape.
    """
    protocol = {name: getattr(arguments, name) for name in ("dataset", "split", "z", "seed")}
    rows = []
    for loss, path in found.items():
        model, manifest = checkpoint.load_model(path)
        if model.image_shape != images.shape[1:]:
            raise UserError(f"{path}: expected images of {images.shape[1:]}, got a model of {model.image_shape}")
        measured = quality.reconstruction_quality(model, images, arguments.z, arguments.seed)
        facts = {"output_space": manifest["output_space"], "epochs": checkpoint.epochs(manifest)}
        rows.append(table.row(loss, measured, **protocol, **facts))
    return rows, f"{table.quality_table(rows)}\n\n{table.protocol(rows)}\n"


def of_picture(found, arguments):
    """The picture `arguments.image` through every model: PSNR, SSIM, and it beside its reconstruction as PNG.

    A model of damaged images is given the picture damaged.
    """
    for loss, path in found.items():
        model, _ = checkpoint.load_model(path)
        image = picture_file.load(arguments.image, model.image_shape)
        measured = quality.reconstruction_quality(model, image, arguments.z, arguments.seed)
        made = quality.reconstructions(model, image, arguments.z, arguments.seed)
        pair = np.concatenate([batches.to_float(image), *made])
        out = Path(arguments.out_dir) / loss / f"{Path(arguments.image).stem}_reconstruction.png"
        grids.save(out, grids.grid(pair))
        print(f"{loss}: PSNR {measured['psnr'][0]:.2f} dB, SSIM {measured['ssim'][0]:.3f}  {out}")

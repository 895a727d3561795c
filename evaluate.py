"""Measure checkpoints:  python evaluate.py  (the PSNR/SSIM table of the five shipped ones)."""

import json
from pathlib import Path

from config.command_line import PAPER_LOSSES, Parser, checkpoint_files
from config.errors import UserError, run
from config.files import require_writable, write_atomically
from config.runtime import import_tensorflow

TABLE = Path("results/table.md")


def parse(argv):
    """The flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_checkpoints(PAPER_LOSSES)
    parser.add_argument("--z", choices=("sample", "mean"), default="sample", help="of the posterior (default: sample)")
    parser.add_key("seed", 0)
    parser.add_key("dataset", "mnist")
    parser.add_key("data_dir", "")
    parser.add_key("test_split", "test", flag="split")
    parser.add_argument("--json", metavar="PATH", help="write the rows to this file too")
    parser.add_argument("--image", metavar="FILE", help="reconstruct this picture instead")
    parser.add_argument("--probe", action="store_true", help="what losses, by name, answer to blur, shift and noise")
    parser.add_key("results_dir", "results", flag="out_dir")
    return parser.parse(argv)


def main(argv):
    """Print the table, or what becomes of the user's picture."""
    arguments = parse(argv)
    if arguments.probe:
        probe_losses(arguments)
        return
    found = checkpoint_files(arguments, PAPER_LOSSES)
    if arguments.json:
        require_writable(Path(arguments.json).parent)

    import_tensorflow()
    if arguments.image:
        reconstruct_picture(arguments, found)
    else:
        print_table(arguments, found)


def print_table(arguments, found):
    """The rows of every checkpoint: printed, and as JSON on request.

    With no other flag they are the published table, and go to results/table.md as well.
    """
    import data
    from evaluation import quality, table
    from models import checkpoint

    images = data.load(arguments.dataset, arguments.split, arguments.data_dir).images
    protocol = {"dataset": arguments.dataset, "split": arguments.split, "z": arguments.z, "seed": arguments.seed}
    rows = []
    for loss, path in found.items():
        model, manifest = checkpoint.load_model(path)
        if model.image_shape != images.shape[1:]:
            raise UserError(f"{path}: expected images of {images.shape[1:]}, got a model of {model.image_shape}")
        measured = quality.reconstruction_quality(model, images, arguments.z, arguments.seed)
        facts = {"output_space": manifest["output_space"], "epochs": checkpoint.epochs(manifest)}
        rows.append(table.row(loss, measured, **protocol, **facts))
    text = f"{table.quality_table(rows)}\n\n{table.protocol(rows)}\n"
    print(text, end="")
    if arguments.json:
        write_atomically(arguments.json, json.dumps({"rows": rows}, indent=1).encode())
    is_published_protocol = vars(arguments) | {"json": None} == vars(parse([]))
    if is_published_protocol:
        write_atomically(TABLE, text.encode())


def reconstruct_picture(arguments, found):
    """The user's picture through every model: its PSNR and SSIM, and both side by side as PNG."""
    import numpy as np

    from data import batches, picture
    from evaluation import pictures, quality
    from models import checkpoint

    for loss, path in found.items():
        model, _ = checkpoint.load_model(path)
        image = picture.load(arguments.image, model.image_shape)
        measured = quality.reconstruction_quality(model, image, arguments.z, arguments.seed)
        noise = quality.posterior_noise(model, 1, arguments.z, arguments.seed)
        pair = np.concatenate([batches.to_float(image), model.reconstruct(batches.to_float(image), noise)])
        out = Path(arguments.out_dir) / loss / f"{Path(arguments.image).stem}_reconstruction.png"
        pictures.save(out, pictures.grid(pair))
        print(f"{loss}: PSNR {measured['psnr'][0]:.2f} dB, SSIM {measured['ssim'][0]:.3f}  {out}")


def probe_losses(arguments):
    """What every loss answers to blur, shift and noise: printed, and drawn as figures/probe.png."""
    import_tensorflow()
    import data
    import losses
    from evaluation import figures, probe
    from evaluation.drawn import drawn
    from evaluation.plots import sensitivity

    names = [name.strip() for name in (arguments.loss or PAPER_LOSSES).split(",") if name.strip()]
    probed = probe.with_terms({name: losses.build(name) for name in names})
    images = data.load(arguments.dataset, arguments.split, arguments.data_dir).images[: probe.NUM_IMAGES]
    found = probe.responses(probed, drawn(images))
    print(probe.table(found))
    figures.save(sensitivity.sensitivity(found), Path(arguments.out_dir) / "figures" / "probe.png")


if __name__ == "__main__":
    run(main)

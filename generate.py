"""Decode a grid of digits from a checkpoint:

python generate.py --loss=ours          (writes results/ours/gen_samples.png)
"""

from pathlib import Path

from config.command_line import Parser, checkpoint_files, file_name
from config.schema import FOLDER, Key
from config.system.errors import run
from config.system.files import require_writable
from config.system.runtime import import_tensorflow

DEFAULT = "ours"
NUM_SAMPLES = {"samples": 16, "manifold": 400}


def parse(argv):
    """Return the flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_checkpoints(DEFAULT)
    parser.add_key("num_samples", None, shown="16; 400 for the manifold")
    text = "name of the file, without .png (default: gen_samples)"
    parser.add_argument("--name", type=file_name, default="gen_samples", help=text)
    parser.add_value("out_dir", Key(str, "folder for the picture, FOLDER/LOSS/NAME.png", **FOLDER), "results")
    parser.add_value("seed", Key(int, "seed of the samples", low=0), 0)
    text = "samples of the prior, or the latent plane at normal quantiles, for models of 2 latents (default: samples)"
    parser.add_argument("--grid", choices=NUM_SAMPLES, default="samples", help=text)
    return parser.parse(argv)


def main(argv):
    """Write a grid for each checkpoint and say where it is."""
    flags = parse(argv)
    found = checkpoint_files(flags, DEFAULT)
    for name in found:
        require_writable(Path(flags.out_dir) / name)

    import_tensorflow()
    from evaluation import grids
    from models import checkpoint

    for name, path in found.items():
        model, _ = checkpoint.load_model(path)
        count = flags.num_samples or NUM_SAMPLES[flags.grid]
        images = model.manifold(count) if flags.grid == "manifold" else model.sample(count, flags.seed)
        out = Path(flags.out_dir) / name / f"{flags.name}.png"
        grids.save(out, grids.grid(images))
        print(out)


if __name__ == "__main__":
    run(main)

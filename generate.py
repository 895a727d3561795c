"""Decode a grid of digits from a checkpoint, or look around in its latent space:

python generate.py --loss=ours          (writes results/ours/gen_samples.png)
python generate.py --grid=explorer      (writes results/explorer.html, a page to open in a browser)
"""

from pathlib import Path

from config.command_line import Parser, checkpoint_files, file_name
from config.schema import FOLDER, Key
from config.system.errors import run
from config.system.files import require_writable, write_atomically
from config.system.runtime import import_tensorflow

DEFAULT = "ours"
NUM_SAMPLES = {"samples": 16, "manifold": 400}
EXPLORED = "l2,ssim,ours"


def parse(argv):
    """Return the flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_checkpoints(f"{DEFAULT}; {EXPLORED} for the explorer")
    parser.add_key("num_samples", None, shown="16; 400 for the manifold")
    text = "name of the file, without .png (default: gen_samples; explorer for the explorer)"
    parser.add_argument("--name", type=file_name, help=text)
    parser.add_value("out_dir", Key(str, "folder for the picture, FOLDER/LOSS/NAME.png", **FOLDER), "results")
    parser.add_value("seed", Key(int, "seed of the samples", low=0), 0)
    text = (
        "samples of the prior; the latent plane at normal quantiles, for models of 2 latents; "
        "or a page for the browser, for models of digits (default: samples)"
    )
    parser.add_argument("--grid", choices=[*NUM_SAMPLES, "explorer"], default="samples", help=text)
    return parser.parse(argv)


def main(argv):
    """Write a grid for each checkpoint, or the explorer of all of them, and say where it is."""
    flags = parse(argv)
    write = write_explorer if flags.grid == "explorer" else write_grids
    write(flags, Path(flags.out_dir))


def write_grids(flags, folder):
    """Write a picture for each checkpoint."""
    found = checkpoint_files(flags, DEFAULT)
    for name in found:
        require_writable(folder / name)

    import_tensorflow()
    from evaluation import grids
    from models import checkpoint

    for name, path in found.items():
        model, _ = checkpoint.load_model(path)
        count = flags.num_samples or NUM_SAMPLES[flags.grid]
        images = model.manifold(count) if flags.grid == "manifold" else model.sample(count, flags.seed)
        out = folder / name / f"{flags.name or 'gen_samples'}.png"
        grids.save(out, grids.grid(images))
        print(out)


def write_explorer(flags, folder):
    """Write one page for all checkpoints."""
    found = checkpoint_files(flags, EXPLORED)
    require_writable(folder)

    import_tensorflow()
    from evaluation import explorer
    from models import checkpoint

    loaded = {name: checkpoint.load_model(path) for name, path in found.items()}
    page = explorer.page(
        {name: (model, checkpoint.configuration(manifest)) for name, (model, manifest) in loaded.items()}
    )
    out = folder / f"{flags.name or 'explorer'}.html"
    write_atomically(out, page)
    print(out)


if __name__ == "__main__":
    run(main)

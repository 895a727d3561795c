"""Draw digits from a checkpoint:  python generate.py --loss=ours  (writes results/ours/gen_samples.png)."""

from pathlib import Path

from config.command_line import Parser, checkpoint_files, file_name
from config.system.errors import run
from config.system.files import require_writable
from config.system.runtime import import_tensorflow

DEFAULT = "ours"
NUM_SAMPLES = {"samples": 16, "manifold": 400}


def parse(argv):
    """The flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_checkpoints(DEFAULT)
    parser.add_key("num_samples", None, shown="16, or 400 of the manifold")
    parser.add_argument(
        "--name", type=file_name, default="gen_samples", help="file, without .png (default: gen_samples)"
    )
    parser.add_key("results_dir", "results", flag="out_dir")
    parser.add_key("seed", 0)
    parser.add_argument(
        "--grid",
        choices=NUM_SAMPLES,
        default="samples",
        help="samples of the prior, or the 2-D latent plane through the normal quantiles (default: samples)",
    )
    return parser.parse(argv)


def main(argv):
    """Draw a grid for each loss and say where it is."""
    arguments = parse(argv)
    found = checkpoint_files(arguments, DEFAULT)
    for loss in found:
        require_writable(Path(arguments.out_dir) / loss)

    import_tensorflow()
    from evaluation import grids
    from models import checkpoint

    for loss, path in found.items():
        model, _ = checkpoint.load_model(path)
        count = arguments.num_samples or NUM_SAMPLES[arguments.grid]
        images = model.manifold(count) if arguments.grid == "manifold" else model.sample(count, arguments.seed)
        out = Path(arguments.out_dir) / loss / f"{arguments.name}.png"
        grids.save(out, grids.grid(images))
        print(out)


if __name__ == "__main__":
    run(main)

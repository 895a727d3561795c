"""Decode a grid of images from a checkpoint, or look around in its latent space:

python generate.py --loss=ours          (writes results/ours/gen_samples.png)
python generate.py --grid=explorer      (writes results/explorer.html, a page to open in a browser)
python generate.py --list               (shows the checkpoints that there are)
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from config.command_line import Parser, checkpoint_files, checkpoint_folders, file_name
from config.schema import FOLDER, Key
from config.system.errors import UserError, run
from config.system.files import require_replaceable, write_atomically
from config.system.runtime import import_tensorflow

DEFAULT = "ours"
EXPLORED = "l2,ssim,ours"
# rows of a traversal, and images of which the KL divergence of its latents is the mean
MOST_ROWS, NUM_ENCODED = 10, 1000


def samples(model, count, flags, settings):
    """Samples of the prior."""
    return model.sample(count, flags.seed)


def manifold(model, count, flags, settings):
    """The latent plane at normal quantiles, for models of 2 latents."""
    return model.manifold(count)


def traversal(model, count, flags, settings):
    """A row for each latent, those of largest KL divergence first: it alone goes through normal quantiles."""
    import data
    from data.batches import to_float

    side, _, channels = model.image_shape
    images = data.load(settings.dataset, "test", flags.data_dir, side, channels, settings.window).images[:NUM_ENCODED]
    seen = model.measurement(to_float(images), [0, 1])
    return model.traversal(model.latents_by_kl(seen)[:MOST_ROWS], count)


def interpolation(model, count, flags, settings):
    """A row from one picture of `--image` to the other."""
    import numpy as np

    from data import picture_file
    from data.batches import to_float

    pictures = [picture_file.load(path, model.image_shape, window=settings.window) for path in flags.image.split(",")]
    return model.interpolation(to_float(np.concatenate(pictures)), count)


class Grid(NamedTuple):
    """A kind of grid. With `in_rows` a row has `count` images, and the columns can be the frames of an animation."""

    images: Callable  # (model, count, flags, Settings) → [N, H, W, C]
    count: int
    in_rows: bool = False


GRIDS = {
    "samples": Grid(samples, 16),
    "manifold": Grid(manifold, 400),
    "traversal": Grid(traversal, 11, in_rows=True),
    "interpolation": Grid(interpolation, 11, in_rows=True),
}


def parse(argv):
    """Return the flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_checkpoints(f"{DEFAULT}; {EXPLORED} for the explorer")
    text = "show the checkpoints that there are, with their settings and scores"
    parser.add_argument("--list", action="store_true", help=text)
    text = "; ".join(f"{name}: {grid.images.__doc__[:-1]}" for name, grid in GRIDS.items())
    text = f"{text}; explorer: a page for the browser, of models of digits (default: samples)"
    parser.add_argument("--grid", choices=[*GRIDS, "explorer"], default="samples", help=text)
    counts = "; ".join(f"{name} {grid.count}{' in a row' if grid.in_rows else ''}" for name, grid in GRIDS.items())
    parser.add_key("num_samples", None, shown=counts)
    parser.add_argument("--image", metavar="FILE,FILE", help="the two pictures of the interpolation")
    parser.add_key("data_dir", "", shown="")
    text = "gif: an animation, of a traversal or interpolation (default: png)"
    parser.add_argument("--format", choices=("png", "gif"), default="png", help=text)
    text = "draw as the paper's Figure 2 was: the sigmoid of the output, each image on a scale of its own"
    parser.add_argument("--as_published", action="store_true", help=text)
    text = "name of the file, without .png (default: gen_samples, or the name of another grid)"
    parser.add_argument("--name", type=file_name, help=text)
    parser.add_value("out_dir", Key(str, "folder for the picture, FOLDER/LOSS/NAME.png", **FOLDER), "results")
    parser.add_value("seed", Key(int, "seed of the samples", low=0), 0)
    return parser.parse(argv)


def require_fit(flags):
    """Check that each flag has a meaning for the grid.

    Raises:
        UserError: one has none, or a picture is missing.
    """
    usual = vars(parse([])) | {"list": True, "model_dir": flags.model_dir}
    if flags.list and (others := [name for name, value in vars(flags).items() if value != usual[name]]):
        raise UserError(f"--{others[0]}: expected without --list, got both")
    moving = [name for name, grid in GRIDS.items() if grid.in_rows]
    if flags.format == "gif" and flags.grid not in moving:
        raise UserError(f"--format: expected gif with --grid={' or '.join(moving)}, got it with {flags.grid}")
    for name, grid in (("seed", "samples"), ("data_dir", "traversal"), ("image", "interpolation")):
        if getattr(flags, name) and flags.grid != grid:
            raise UserError(f"--{name}: expected with --grid={grid}, got it with {flags.grid}")
    if flags.grid == "interpolation" and len((flags.image or "").split(",")) != 2:
        raise UserError(f"--image: expected two pictures for the interpolation, FILE,FILE, got {flags.image or 'none'}")
    for name in ("as_published", "num_samples"):
        if flags.grid == "explorer" and getattr(flags, name):
            raise UserError(f"--{name}: expected with a grid, got it with explorer")


def stem(flags):
    """Return the name of the file to write, without its suffix."""
    grid = "gen_samples" if flags.grid == "samples" else flags.grid
    return flags.name or (f"{grid}_as_published" if flags.as_published else grid)


def main(argv):
    """Write a grid for each checkpoint, or the explorer of all of them, and say where it is; or list them."""
    flags = parse(argv)
    require_fit(flags)
    if flags.list:
        from evaluation import listing

        print(listing.table(checkpoint_folders(flags)))
        return
    write = write_explorer if flags.grid == "explorer" else write_grids
    write(flags, Path(flags.out_dir))


def write_grids(flags, folder):
    """Write a picture for each checkpoint."""
    found = checkpoint_files(flags, DEFAULT)
    places = {name: folder / name / f"{stem(flags)}.{flags.format}" for name in found}
    for out in places.values():
        require_replaceable(out)

    import_tensorflow()
    from evaluation import grids
    from models import checkpoint

    grid = GRIDS[flags.grid]
    count = flags.num_samples or grid.count
    for name, path in found.items():
        model, manifest = checkpoint.load_model(path)
        if flags.as_published:
            model.output_space = "logits"
        images = grid.images(model, count, flags, checkpoint.configuration(manifest)).numpy()
        images = grids.on_own_scales(images) if flags.as_published else images
        out = places[name]
        if flags.format == "gif":
            grids.save_animation(out, [grids.grid(images[column::count]) for column in range(count)])
        else:
            grids.save(out, grids.grid(images, count if grid.in_rows else None))
        print(out)


def write_explorer(flags, folder):
    """Write one page for all checkpoints."""
    found = checkpoint_files(flags, EXPLORED)
    out = folder / f"{stem(flags)}.html"
    require_replaceable(out)

    import_tensorflow()
    from evaluation import explorer
    from models import checkpoint

    loaded = {name: checkpoint.load_model(path) for name, path in found.items()}
    page = explorer.page(
        {name: (model, checkpoint.configuration(manifest)) for name, (model, manifest) in loaded.items()}
    )
    write_atomically(out, page)
    print(out)


if __name__ == "__main__":
    run(main)

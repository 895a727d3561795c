"""Restore damaged images with every method: a table, and figures.

    python evaluate.py restore --data_dir=DIR                 the test images
    python evaluate.py restore --image=FILE --loss=NAME       a damaged picture of your own, or a folder of them

Each measurement needs a checkpoint of an ambient_vae_gan. A supervised one beside it is compared too.
"""

from functools import partial
from pathlib import Path

from config.command_line import checkpoint_files
from config.schema import Key
from config.system.errors import UserError
from evaluation.reports import add_output, add_pictures, begin, publish, warn_if_light

# the shipped checkpoints, two for each measurement
RESTORERS = (
    "ambient_drop_independent,supervised_drop_independent,ambient_drop_patch,supervised_drop_patch,"
    "ambient_add_noise,supervised_add_noise"
)
ACSG_IMAGES = Key(int, "number of images for the slow method, ACSG; 0: all", low=0)
SEED = Key(int, "seed of the damage", low=0)
# the flags without which the report uses these values. A picture of one's own has no use for them
DEFAULTS = {"dataset": "", "data_dir": "", "split": "test", "seed": 0, "acsg_images": 1000}


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    parser.add_checkpoints(RESTORERS)
    parser.add_key("dataset", None, shown="what the models were trained on")
    parser.add_key("data_dir", None, shown="")
    parser.add_key("test_split", None, flag="split", shown=DEFAULTS["split"])
    parser.add_value("seed", SEED, None, shown=DEFAULTS["seed"])
    parser.add_value("acsg_images", ACSG_IMAGES, None, shown=DEFAULTS["acsg_images"])
    add_pictures(parser, "restore these damaged pictures instead, with --loss")
    add_output(parser)


def main(flags):
    """Print the table of restored images and write it and the figures, or restore the pictures of `--image`.

    Raises:
        UserError: a flag has no meaning with another one, or a checkpoint or file is missing or does not fit.
    """
    given = {name: value for name, value in vars(flags).items() if value is not None}
    if flags.image:
        from data import given_pictures

        require_picture_flags(given)
        names = given_pictures.find(flags.image)
    elif flags.pair:
        raise UserError("--pair: expected with --image, got it alone")
    files = checkpoint_files(flags, RESTORERS)
    if flags.image:
        given_pictures.require_outside([Path(flags.out_dir) / name / "restored" for name in files], names)
    begin(flags)
    if flags.image:
        restore_pictures(names, files, flags)
    else:
        restore_images(flags, files, **{name: given.get(name, default) for name, default in DEFAULTS.items()})


def require_picture_flags(given):
    """Check that the flags that are `given`, a dict, have a meaning with `--image`.

    Raises:
        UserError: one has none, or no checkpoint is named.
    """
    for name in [*DEFAULTS, "json"]:
        if name in given:
            raise UserError(f"--{name}: expected without --image, got both")
    if "loss" not in given and "checkpoint" not in given:
        raise UserError("--image: expected with --loss or --checkpoint, a model for its damage, got it alone")


def restore_pictures(names, files, flags):
    """Write what each model in `files`, name → path, makes of damaged pictures. Args: `names`, as of pictures.write."""
    from data import given_pictures, picture_file
    from evaluation import pictures, restoration

    for name, checkpoint in files.items():
        model, settings = restoration.load_model(checkpoint)
        read = partial(picture_file.load, image_shape=model.image_shape, window=settings.window)
        paths, images = given_pictures.load([*names], read)
        warn_if_light(paths, images, settings.dataset)
        kept = {path: names[path] for path in paths}
        made = pictures.restored(model, images)
        print(f"{name}: {pictures.write(Path(flags.out_dir) / name, 'restored', kept, made, flags.pair)}")


def restore_images(flags, files, split, seed, acsg_images, **data):
    """Write the table and the figures of the test images that the models in `files` restore."""
    from evaluation import figures, restoration

    cases = restoration.cases(files, split, seed=seed, **data)
    rows = restoration.rows(cases, acsg_images)
    publish(flags, "restore", f"{restoration.tables(rows)}\n\n{restoration.caption(cases[0], split, seed)}\n", rows)
    in_colour = cases[0].images.shape[-1] == 3
    for name, draw in figures.FIGURES["restoration"].items():
        figures.save(draw(cases), Path(flags.out_dir) / "figures" / f"{name}.png", in_colour)

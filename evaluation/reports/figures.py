"""Draw the figures: what the losses make of images, their latent planes, spectra and training curves.

    python evaluate.py figures --out_dir=results

Figures of another data set than mnist have its name in theirs. A figure leaves out the models that it does not fit.
"""

from pathlib import Path

from config.command_line import checkpoint_files
from config.places import present
from config.system.errors import UserError
from evaluation.reports import add_output, begin
from evaluation.reports.table import PAPER_LOSSES

DATASET = "mnist"
# folders in which the logs of trainings are looked for
LOGS = ("results/local", "results")


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    parser.add_checkpoints(PAPER_LOSSES)
    parser.add_key("dataset", DATASET)
    parser.add_key("data_dir", "")
    text = f"folder with the logs of the trainings (default: {', then '.join(LOGS)})"
    parser.add_argument("--results_dir", metavar="DIR", help=text)
    add_output(parser, rows=False)


def main(flags):
    """Draw every figure of FIGURES that fits the images, and print where each is.

    Raises:
        UserError: a checkpoint or the data set is missing, or a model is for images of another shape.
    """
    files = checkpoint_files(flags, PAPER_LOSSES)
    begin(flags)
    from evaluation import figures

    material = load(files, flags)
    in_colour = material.images.shape[-1] == 3
    prefix = "" if flags.dataset == DATASET else f"{flags.dataset}_"
    for name, draw in figures.FIGURES["colour" if in_colour or material.labels is None else "digits"].items():
        if figure := draw(material):
            figures.save(figure, Path(flags.out_dir) / "figures" / f"{prefix}{name}.png", in_colour)


def load(files, flags):
    """Return the Material of the models in `files`, name → path, and of the images that the flags choose.

    Raises:
        UserError: a checkpoint or the data set is missing or broken, or a model is for images of another shape.
    """
    import data
    from evaluation.figures import Material
    from models import checkpoint

    models, settings = {}, {}
    for name, path in files.items():
        models[name], manifest = checkpoint.load_model(path)
        settings[name] = checkpoint.configuration(manifest)
    side, _, channels = next(iter(models.values())).image_shape
    window = next(iter(settings.values())).window
    images, labels = data.load(flags.dataset, "test", flags.data_dir, side, channels, window)
    for name, model in models.items():
        require_same_shape(name, images.shape[1:], model.image_shape)
    folders = [flags.results_dir] if flags.results_dir else LOGS
    shown = shown_names({name: one.loss for name, one in settings.items()})
    logs = {shown[name]: log_folder(name, folders) for name in models}
    return Material({shown[name]: model for name, model in models.items()}, images, labels, logs)


def require_same_shape(name, expected, found):
    """Check that a model is for images [H, W, C] as the data set has.

    Raises:
        UserError: it is for others.
    """
    if expected != found:
        raise UserError(f"{name}: expected a model of images {expected}, as the data set has, got one of {found}")


def shown_names(losses):
    """Return by the name of a checkpoint the one that a figure shows, given the loss of each.

    It is the name of the loss or, if two have the same loss, that of the checkpoint.
    """
    from evaluation.markdown import display_name

    every = list(losses.values())
    return {name: display_name(loss if every.count(loss) == 1 else name) for name, loss in losses.items()}


def log_folder(name, folders):
    """Return the first of the folders FOLDER/NAME that exists, or else the last one."""
    places = [present(Path(folder) / name) for folder in folders]
    return next((place for place in places if place.exists()), places[-1])

"""Every picture of the results:  python -m evaluation.figures  (writes results/figures/)."""

import io
from pathlib import Path

from PIL import Image

from config.command_line import PAPER_LOSSES, Parser, checkpoint_files
from config.system.errors import UserError, run
from config.system.files import require_writable, write_atomically
from config.system.runtime import import_tensorflow

DATASET = "mnist"
DOTS_PER_INCH, COLOURS = 150, 64


def save(figure, path, colours=COLOURS):
    """Write a matplotlib figure as PNG, of at most `colours` colours, and print where it is."""
    drawing, file = io.BytesIO(), io.BytesIO()
    figure.savefig(drawing, format="png", dpi=DOTS_PER_INCH)
    Image.open(drawing).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    write_atomically(path, file.getvalue())
    print(path)


def main(argv):
    """Draw every figure of the table `figures.FIGURES` from the checkpoints and the logs of their training.

    Of colour images those of `figures.COLOUR`. Figures of another data set than DATASET bear its name. A
    figure leaves out the models that it does not fit, and is not drawn if it fits none.
    """
    parser = Parser(__doc__)
    parser.add_key("results_dir", "results")
    parser.add_key("dataset", DATASET)
    parser.add_key("data_dir", "")
    parser.add_checkpoints(PAPER_LOSSES)
    arguments = parser.parse(argv)
    found, results = checkpoint_files(arguments, PAPER_LOSSES), Path(arguments.results_dir)
    require_writable(results / "figures")
    import_tensorflow()
    import data
    from evaluation import figures
    from models import checkpoint

    models = {loss: checkpoint.load_model(path)[0] for loss, path in found.items()}
    size, _, channels = next(iter(models.values())).image_shape
    material = figures.Material(models, *data.load(arguments.dataset, "test", arguments.data_dir, size), results)
    require_same_shape(material)
    figures, colours = (figures.FIGURES, COLOURS) if channels == 1 else (figures.COLOUR, 256)
    prefix = "" if arguments.dataset == DATASET else f"{arguments.dataset}_"
    for name, draw in figures.items():
        if figure := draw(material):
            save(figure, results / "figures" / f"{prefix}{name}.png", colours)


def require_same_shape(material):
    """Check that the models are of images as the data set has.

    Raises:
        UserError: one is not; it is named.
    """
    for loss, model in material.models.items():
        if model.image_shape != material.images.shape[1:]:
            expected, got = material.images.shape[1:], model.image_shape
            raise UserError(f"{loss}: expected a model of images {expected}, as the data set has, got one of {got}")


if __name__ == "__main__":
    run(main)

"""Every picture of the results:  python -m evaluation.figures  (writes results/figures/)."""

import io
from pathlib import Path

from PIL import Image

from config.command_line import PAPER_LOSSES, Parser, checkpoint_files
from config.errors import run
from config.files import require_writable, write_atomically
from config.runtime import import_tensorflow

DOTS_PER_INCH, COLOURS = 150, 64


def save(figure, path):
    """Write a matplotlib figure as PNG, of at most COLOURS colours, and print where it is."""
    drawing, file = io.BytesIO(), io.BytesIO()
    figure.savefig(drawing, format="png", dpi=DOTS_PER_INCH)
    Image.open(drawing).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    write_atomically(path, file.getvalue())
    print(path)


def main(argv):
    """Draw every figure of the table `plots.FIGURES` from the checkpoints and the logs of their training."""
    parser = Parser(__doc__)
    parser.add_key("results_dir", "results")
    parser.add_checkpoints(PAPER_LOSSES)
    arguments = parser.parse(argv)
    found, results = checkpoint_files(arguments, PAPER_LOSSES), Path(arguments.results_dir)
    require_writable(results / "figures")
    import_tensorflow()
    import data
    from evaluation import plots
    from models import checkpoint

    models = {loss: checkpoint.load_model(path)[0] for loss, path in found.items()}
    material = plots.Material(models, *data.load("mnist", "test"), results)
    for name, draw in plots.FIGURES.items():
        save(draw(material), results / "figures" / f"{name}.png")


if __name__ == "__main__":
    run(main)

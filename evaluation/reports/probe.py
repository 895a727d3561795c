"""Show how losses respond to blur, shift and noise: two tables and a figure.

    python evaluate.py probe --loss=l2,ours

Each loss compares digits with the same digits, disturbed, and is shown as a fraction of its value for blank images.
The second table says what a blur costs in shifts, and what share of a sum and of its gradient each term has. A term
that compares phases and amplitudes is shown with each of them alone too.
"""

from functools import partial
from pathlib import Path

from config.system.errors import UserError
from evaluation.reports import add_images, add_output, begin, load_images, names, publish
from evaluation.reports.table import PAPER_LOSSES


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    text = f"losses, untrained (default: {PAPER_LOSSES})"
    parser.add_argument("--loss", type=partial(names, "--loss"), metavar="LOSS[,LOSS]", default=PAPER_LOSSES, help=text)
    add_images(parser)
    add_output(parser, rows=False)


def main(flags):
    """Print and write the responses, and write figures/probe.png.

    Raises:
        UserError: no loss has one of the names, or the images cannot be loaded.
    """
    begin(flags)
    import losses
    from evaluation import probe
    from evaluation.figures import save, sensitivity
    from evaluation.metrics.display import as_displayed

    try:
        probed = probe.with_parts(probe.with_terms({name: losses.build(name) for name in flags.loss}))
    except ValueError as error:
        raise UserError(f"{error}") from error
    images = as_displayed(load_images(flags)[: probe.NUM_IMAGES])
    found = probe.responses(probed, images)
    publish(flags, "probe", f"{probe.table(found)}\n\n{probe.table_of_costs(probed, found, images)}\n")
    save(sensitivity.sensitivity(found), Path(flags.out_dir) / "figures" / "probe.png")

"""Compare runs over their seeds: means, and differences from baselines with intervals.

    python evaluate.py runs --runs=results/two_stage/runs.csv --baseline=l2,ssim
    python evaluate.py runs --runs=results/two_stage/runs.csv --baseline=l2,unsharp --controls=l2 --as_sharp_as=ssim
    python evaluate.py runs --runs=results/ablations/runs.csv --match=kl

A row is a configuration, and its runs differ in their seeds. A run from which other runs start is left out.
"""

from functools import partial
from pathlib import Path

import config
from config.places import present
from config.schema import KEYS, Key
from config.system.errors import UserError
from evaluation.reports import add_images, add_latents, add_output, add_perceptual, begin, load_images, names, publish

RUNS = "results/local/runs.csv"
# the names of evaluation.controls, which needs TensorFlow
CONTROLS = ("contrast", "unsharp")
KL = Key(float, "with --match: at this KL divergence, nats", above=0)


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    text = f"the table of runs that trainings write (default: {RUNS})"
    parser.add_argument("--runs", type=present, metavar="FILE", default=RUNS, help=text)
    parser.add_argument(
        "--loss",
        type=partial(names, "--loss"),
        metavar="LOSS[,LOSS]",
        default=(),
        help="only the runs of these losses (default: all)",
    )
    text = "only the runs of the experiment in this YAML file (default: all)"
    parser.add_argument(
        "--config", type=lambda path: config.read_experiment(path, {}), metavar="FILE", default=(), help=text
    )
    text = "rows from which differences are taken, by name or loss (default: l2)"
    parser.add_argument("--baseline", type=rows, metavar="ROW[,ROW]", default="l2", help=text)
    text = "add rows: the output of these rows under a contrast curve and an unsharp mask (default: none)"
    parser.add_argument("--controls", metavar="ROW[,ROW]", default="", help=text)
    text = "with --controls: make them at least as sharp as this row (default: the sharpness with the highest SSIM)"
    parser.add_argument("--as_sharp_as", metavar="ROW", default="", help=text)
    text = "compare the losses at equal KL divergence, between their runs at several beta"
    parser.add_argument("--match", choices=("kl",), help=text)
    parser.add_value("kl", KL, None, shown="within what the losses share")
    add_perceptual(parser)
    add_latents(parser)
    add_images(parser)
    add_output(parser)


def rows(text):
    """Return `text`, names of rows separated by commas, each of which begins with the name of a loss or of a control.

    Raises:
        UserError: one does not.
    """
    for name in names("--baseline", text):
        if (first := name.split()[0]) not in CONTROLS:
            KEYS["loss"].parse("--baseline", first)
    return text


def require_consistent(flags):
    """Check the flags that depend on another, and that there is a table of runs.

    Raises:
        UserError: a flag lacks its other, or there is no table.
    """
    if flags.kl and not flags.match:
        raise UserError("--kl: expected with --match, got it alone")
    if flags.as_sharp_as and not flags.controls:
        raise UserError("--as_sharp_as: expected with --controls, got it alone")
    if flags.controls and flags.split == "held-out":
        raise UserError("--controls: expected --split=test, got held-out, on which their constants are chosen")
    if not Path(flags.runs).exists():
        raise UserError(f"{flags.runs}: expected a table of runs, got none; python train.py --loss=l2,ours writes one")


def main(flags):
    """Print and write the table, and its figure: runs.md and figures/runs.png; with --match=kl runs_at_equal_kl.

    Raises:
        UserError: there are no such runs, one of them has no finished checkpoint, or a baseline is no row.
    """
    require_consistent(flags)
    begin(flags)
    from evaluation import comparison, comparison_table, controls
    from evaluation.figures import style
    from evaluation.figures.frontier import frontier
    from models import runs

    found = comparison.last_stages(runs.select(flags.runs, flags.dataset, flags.split, flags.loss, flags.config))
    comparison.require_checkpoints(found)
    for key in ("image_size", "channels", "window"):  # where no flag chooses, as the runs read their pictures
        setattr(flags, key, getattr(flags, key) or getattr(found[0], key))
    images, perceptual = load_images(flags), flags.perceptual
    if perceptual is not None:
        perceptual = min(perceptual, len(images))
        comparison.require_perceptual(perceptual)
    protocol = comparison.Protocol(flags.dataset, flags.split, flags.z, flags.seed, perceptual)
    held_out = load_images(flags, "held-out")[: controls.IMAGES] if flags.controls else None
    wanted = comparison_table.Wanted(flags.controls, flags.as_sharp_as, held_out)
    if flags.match:
        rows, text = comparison_table.report_at_equal_kl(found, images, protocol, flags.baseline, wanted, flags.kl)
    else:
        rows, text = comparison_table.report(found, images, protocol, flags.baseline, wanted)
    name = "runs_at_equal_kl" if flags.match else "runs"
    publish(flags, name, text, rows)
    points = [row for row in rows if "clear" not in row["psnr"]]  # the others are differences
    style.save(frontier(points), Path(flags.out_dir) / f"figures/{name}.png")

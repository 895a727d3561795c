"""Compare the paper's table with the runs of this repository and with the author's weights.

    python evaluate.py audit

A loss without runs is represented by its shipped checkpoint.
"""

import config
from config.command_line import SHIPPED
from config.places import present
from evaluation.reports import add_output, begin, publish

RUNS = "results/two_stage/runs.csv"


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    text = f"the table of runs that trainings write (default: {RUNS})"
    parser.add_argument("--runs", type=present, metavar="FILE", default=RUNS, help=text)
    text = "only the runs of the experiment in this YAML file (default: all)"
    parser.add_argument(
        "--config", type=lambda path: config.read_experiment(path, {}), metavar="FILE", default=(), help=text
    )
    parser.add_key("model_dir", f"{SHIPPED}")
    text = "folder of the author's checkpoints, to score them again (default: as they were scored before)"
    parser.add_argument("--author_checkpoints", default="", metavar="DIR", help=text)
    add_output(parser)


def main(flags):
    """Print and write the audit.

    Raises:
        UserError: the table of runs or a checkpoint is missing.
    """
    begin(flags)
    import data
    from evaluation import audit
    from models import runs

    images = data.load("mnist", "test").images
    rows, text = audit.report(runs.load(flags.runs), images, flags.model_dir, flags.config, flags.author_checkpoints)
    publish(flags, "audit", text, rows)

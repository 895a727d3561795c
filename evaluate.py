"""Measure checkpoints:  python evaluate.py  (the PSNR/SSIM table of the five shipped ones).

Compare runs over their seeds:  python evaluate.py --runs=results/runs.csv --config=config/two_stage.yml
Hold the paper's table against them:  python evaluate.py --audit
Restore damaged images:  python evaluate.py --task=restore --data_dir=DIR
"""

import json
from importlib import import_module
from pathlib import Path

import config
from config.command_line import PAPER_LOSSES, Parser, checkpoint_files, require_sense
from config.schema import Key
from config.system.errors import UserError, run
from config.system.files import require_writable, write_atomically
from config.system.runtime import import_tensorflow

IMAGE_SIZE = 64
TABLE = Path("results/table.md")
RUNS = Path("results/runs.csv")
KL = Key(float, "KL divergence, nats", above=0)
FID_IMAGES = Key(int, "images, and samples, that FID is measured on", low=2)
ACSG_IMAGES = Key(int, "images that the slow baseline of restore, ACSG, is measured on; 0: all", low=0)
# the flags that are enough to say what is to be done, the first one given
CHOOSING = ("probe", "audit", "runs", "image")
# the values of flags that are not given, filled in once it is known that none is ignored
DEFAULTS = {"z": "sample", "seed": 0, "dataset": "mnist", "split": "test", "baseline": "l2", "acsg_images": 1000}
# flags that mean something only in some tasks, only with another flag, and only without another
ONLY_IN = {
    "loss": ("table", "runs", "image", "probe", "restore"),
    "checkpoint": ("table", "image", "restore"),
    "image": ("image", "restore"),
    "seed": ("table", "runs", "image", "restore"),
    "dataset": ("table", "runs", "probe", "restore"),
    "data_dir": ("table", "runs", "probe", "restore"),
    "split": ("table", "runs", "probe", "restore"),
    "json": ("table", "runs", "audit", "restore"),
    "image_size": ("table", "runs", "probe"),
    "runs": ("runs", "audit"),
    "baseline": ("runs",),
    "match": ("runs",),
    "perceptual": ("runs",),
    "audit": ("audit",),
    "config": ("runs", "audit"),
    "author_checkpoints": ("audit",),
    "probe": ("probe",),
    "acsg_images": ("restore",),
    "z": ("table", "runs", "image"),
}
NEEDS = {"kl": "match"}
NOT_WITH = dict.fromkeys(("json", "dataset", "data_dir", "split", "acsg_images"), "image")


def parse(argv):
    """The flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_argument("--task", choices=TASKS, help="what to do (default: as the other flags say, else table)")
    parser.add_checkpoints(PAPER_LOSSES)
    parser.add_argument("--z", choices=("sample", "mean"), help="of the posterior (default: sample; restore: mean)")
    parser.add_key("seed", None, shown=DEFAULTS["seed"])
    parser.add_key("dataset", None, shown=f"{DEFAULTS['dataset']}; restore: what the models were trained on")
    parser.add_key("data_dir", "")
    parser.add_key("image_size", None, shown=IMAGE_SIZE)
    parser.add_key("test_split", None, flag="split", shown=DEFAULTS["split"])
    parser.add_argument("--json", metavar="PATH", help="write the rows to this file too")
    parser.add_argument("--image", metavar="FILE", help="reconstruct, or restore, this picture instead")
    parser.add_argument("--probe", action="store_true", help="what losses, by name, answer to blur, shift and noise")
    parser.add_key("results_dir", "results", flag="out_dir")
    parser.add_argument("--runs", metavar="FILE", help=f"compare the runs in this table, {RUNS}")
    text = "of these runs, those with the settings in this YAML file"
    parser.add_argument("--config", type=config.read_yaml, metavar="PATH", help=text)
    text = f"the rows that others differ from (default: {DEFAULTS['baseline']})"
    parser.add_argument("--baseline", metavar="NAME[,NAME]", help=text)
    parser.add_argument("--match", choices=("kl",), help="compare the runs at equal KL, interpolating over beta")
    kl = {"type": lambda text: KL.parse("--kl", text), "metavar": "FLOAT"}
    parser.add_argument("--kl", **kl, help="at this KL divergence, nats (default: within what the losses share)")
    count = {"type": lambda text: FID_IMAGES.parse("--perceptual", text), "metavar": "INT"}
    text = f"of the runs, on colour images, LPIPS and FID too; {FID_IMAGES.help} (default: 10000)"
    parser.add_argument("--perceptual", nargs="?", const=10000, **count, help=text)
    parser.add_argument("--audit", action="store_true", help="the paper's Table 1 against our runs or checkpoints")
    parser.add_argument("--author_checkpoints", default="", metavar="DIR", help="the author's, to be measured anew")
    acsg = {"type": lambda text: ACSG_IMAGES.parse("--acsg_images", text), "metavar": "INT"}
    parser.add_argument("--acsg_images", **acsg, help=f"{ACSG_IMAGES.help} (default: {DEFAULTS['acsg_images']})")
    arguments = parser.parse(argv)
    arguments.task = arguments.task or next((flag for flag in CHOOSING if getattr(arguments, flag)), "table")
    require_sense(arguments, ONLY_IN, NEEDS, NOT_WITH)
    defaults = DEFAULTS | ({"dataset": ""} if arguments.task == "restore" else {})
    vars(arguments).update({name: value for name, value in defaults.items() if getattr(arguments, name) is None})
    if arguments.image_size:
        config.require_read({"image_size": 0}, [config.defaults() | {"dataset": arguments.dataset}])
    return arguments


def main(argv):
    """Do the task that the flags in `argv` choose."""
    if "--task=restore" in argv:
        parse(argv)
        argv = ["restore", *(word for word in argv if word != "--task=restore")]
    if argv[:1] in (["restore"], ["figures"]):
        report = import_module(f"evaluation.reports.{argv[0]}")
        parser = Parser(report.__doc__)
        report.add_flags(parser)
        report.main(parser.parse(argv[1:]))
        return
    arguments = parse(argv)
    TASKS[arguments.task](arguments)


def start(arguments):
    """Import TensorFlow, after a look whether results can be written where they are asked for."""
    if arguments.json:
        require_writable(Path(arguments.json).parent)
    if arguments.task != "table":
        require_writable(arguments.out_dir)
    import_tensorflow()


def images(arguments):
    """The images, uint8 [N, H, W, C], that the flags name."""
    import data

    size = arguments.image_size or IMAGE_SIZE
    return data.load(arguments.dataset, arguments.split, arguments.data_dir, size).images


def publish(arguments, rows, text, path):
    """Print `text`, write it to `path` if there is one, and the rows as JSON on request."""
    print(text, end="")
    if path:
        write_atomically(path, text.encode())
    if arguments.json:
        write_atomically(arguments.json, json.dumps({"rows": rows}, indent=1).encode())


def print_table(arguments):
    """The rows of every checkpoint. With no other flag they are the published table, and go to results/table.md."""
    found = checkpoint_files(arguments, PAPER_LOSSES)
    start(arguments)
    from evaluation.reports import reconstruction

    rows, text = reconstruction.report(found, images(arguments), arguments)
    is_published_protocol = vars(arguments) | {"json": None} == vars(parse([]))
    publish(arguments, rows, text, TABLE if is_published_protocol else None)


def reconstruct_picture(arguments):
    """The user's picture through every model."""
    if not arguments.image:
        raise UserError("task image: expected --image=FILE, got none")
    found = checkpoint_files(arguments, PAPER_LOSSES)
    start(arguments)
    from evaluation.reports import reconstruction

    reconstruction.of_picture(found, arguments)


def compare_runs(arguments):
    """The runs in a table of runs, a row a configuration, in the results as runs.md."""
    start(arguments)
    from evaluation.reports import comparison, comparison_table
    from models import runs

    losses = [name for name in (arguments.loss or "").split(",") if name]
    found = runs.select(arguments.runs or RUNS, arguments.dataset, arguments.split, losses, arguments.config)
    comparison.require_checkpoints(found)
    name = "runs_at_equal_kl" if arguments.match else "runs"
    report = comparison_table.report_at_equal_kl if arguments.match else comparison_table.report
    publish(arguments, *report(found, images(arguments), arguments), Path(arguments.out_dir) / f"{name}.md")


def audit_paper(arguments):
    """The paper's numbers against ours, in the results as audit.md."""
    start(arguments)
    import data
    from evaluation.reports import audit
    from models import runs

    path = arguments.runs or (RUNS if RUNS.exists() else None)
    trained, tests = runs.load(path) if path else [], data.load("mnist", "test").images
    rows, text = audit.report(trained, arguments.config or {}, arguments.model_dir, arguments.author_checkpoints, tests)
    publish(arguments, rows, text, Path(arguments.out_dir) / "audit.md")


def probe_losses(arguments):
    """What every loss answers to blur, shift and noise: printed, and drawn as figures/probe.png."""
    start(arguments)
    import losses
    from evaluation.figures import save, sensitivity
    from evaluation.metrics.display import drawn
    from evaluation.reports import probe

    names = [name.strip() for name in (arguments.loss or PAPER_LOSSES).split(",") if name.strip()]
    try:
        probed = probe.with_terms({name: losses.build(name) for name in names})
    except ValueError as error:
        raise UserError(f"{error}") from error
    found = probe.responses(probed, drawn(images(arguments)[: probe.NUM_IMAGES]))
    print(probe.table(found))
    save(sensitivity.sensitivity(found), Path(arguments.out_dir) / "figures" / "probe.png")


# name of the task: function(arguments). Adding one is a function and its line, and its flags in ONLY_IN
TASKS = {
    "table": print_table,
    "runs": compare_runs,
    "audit": audit_paper,
    "image": reconstruct_picture,
    "probe": probe_losses,
    "restore": main,
}

if __name__ == "__main__":
    run(main)

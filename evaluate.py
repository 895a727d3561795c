"""Measure checkpoints:  python evaluate.py  (the PSNR/SSIM table of the five shipped ones).

Compare runs over their seeds:  python evaluate.py --runs=results/runs.csv [--match=kl]
Hold the paper's table against them:  python evaluate.py --audit
"""

import json
from pathlib import Path

from config import read_yaml
from config.command_line import PAPER_LOSSES, Parser, checkpoint_files, require_sense
from config.errors import UserError, run
from config.files import require_writable, write_atomically
from config.runtime import import_tensorflow
from config.schema import Key

TABLE = Path("results/table.md")
RUNS = Path("results/runs.csv")
KL = Key(float, "KL divergence, nats", above=0)
# flags that mean something only with another
NEEDS = {"config": "runs", "match": "runs", "kl": "match", "author_checkpoints": "audit"}
# flags that mean nothing with another
CLASHES = {
    "image": ("runs", "audit"),
    "checkpoint": ("runs", "audit"),
    "match": ("audit",),
    "probe": ("image", "checkpoint", "runs", "audit"),
}


def parse(argv):
    """The flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_checkpoints(PAPER_LOSSES)
    parser.add_argument("--z", choices=("sample", "mean"), default="sample", help="of the posterior (default: sample)")
    parser.add_key("seed", 0)
    parser.add_key("dataset", "mnist")
    parser.add_key("data_dir", "")
    parser.add_key("image_size", 64)
    parser.add_key("test_split", "test", flag="split")
    parser.add_argument("--json", metavar="PATH", help="write the rows to this file too")
    parser.add_argument("--image", metavar="FILE", help="reconstruct this picture instead")
    parser.add_argument("--probe", action="store_true", help="what losses, by name, answer to blur, shift and noise")
    parser.add_key("results_dir", "results", flag="out_dir")
    parser.add_argument("--runs", metavar="FILE", help="compare the runs in this table, results/runs.csv")
    text = "of these runs, those with the settings in this YAML file"
    parser.add_argument("--config", type=read_yaml, metavar="PATH", help=text)
    parser.add_argument(
        "--baseline", default="l2", metavar="NAME[,NAME]", help="the rows that others differ from (default: l2)"
    )
    parser.add_argument("--match", choices=("kl",), help="compare the runs at equal KL, interpolating over beta")
    kl = {"type": lambda text: KL.parse("--kl", text), "metavar": "FLOAT"}
    parser.add_argument("--kl", **kl, help="at this KL divergence, nats (default: within what the losses share)")
    parser.add_argument("--audit", action="store_true", help="the paper's Table 1 against our runs or checkpoints")
    parser.add_argument("--author_checkpoints", default="", metavar="DIR", help="the author's, to be measured anew")
    arguments = parser.parse(argv)
    require_sense(arguments, NEEDS, CLASHES)
    return arguments


def main(argv):
    """Print a table, or what becomes of the user's picture."""
    arguments = parse(argv)
    if arguments.probe:
        probe_losses(arguments)
        return
    has_runs = arguments.audit or arguments.runs
    found = {} if has_runs else checkpoint_files(arguments, PAPER_LOSSES)
    if arguments.json:
        require_writable(Path(arguments.json).parent)

    import_tensorflow()
    if arguments.audit:
        print_audit(arguments)
    elif arguments.runs:
        print_comparison(arguments)
    elif arguments.image:
        reconstruct_picture(arguments, found)
    else:
        print_table(arguments, found)


def print_table(arguments, found):
    """The rows of every checkpoint: printed, and as JSON on request.

    With no other flag they are the published table, and go to results/table.md as well.
    """
    import data
    from evaluation import quality, table
    from models import checkpoint

    images = data.load(arguments.dataset, arguments.split, arguments.data_dir, arguments.image_size).images
    protocol = {"dataset": arguments.dataset, "split": arguments.split, "z": arguments.z, "seed": arguments.seed}
    rows = []
    for loss, path in found.items():
        model, manifest = checkpoint.load_model(path)
        if model.image_shape != images.shape[1:]:
            raise UserError(f"{path}: expected images of {images.shape[1:]}, got a model of {model.image_shape}")
        measured = quality.reconstruction_quality(model, images, arguments.z, arguments.seed)
        facts = {"output_space": manifest["output_space"], "epochs": checkpoint.epochs(manifest)}
        rows.append(table.row(loss, measured, **protocol, **facts))
    text = f"{table.quality_table(rows)}\n\n{table.protocol(rows)}\n"
    print(text, end="")
    if arguments.json:
        write_atomically(arguments.json, json.dumps({"rows": rows}, indent=1).encode())
    is_published_protocol = vars(arguments) | {"json": None} == vars(parse([]))
    if is_published_protocol:
        write_atomically(TABLE, text.encode())


def print_comparison(arguments):
    """The runs in a table of runs, a row a configuration: printed, and in the results as runs.md."""
    import data
    from evaluation import comparison, comparison_table, runs

    losses = [name for name in (arguments.loss or "").split(",") if name]
    found = runs.measured_on(arguments.runs, arguments.dataset, arguments.split, losses, arguments.config)
    comparison.require_checkpoints(found)
    images = data.load(arguments.dataset, arguments.split, arguments.data_dir, arguments.image_size).images
    if arguments.match:
        publish(arguments, "runs_at_equal_kl", *comparison_table.report_at_equal_kl(found, images, arguments))
    else:
        publish(arguments, "runs", *comparison_table.report(found, images, arguments))


def print_audit(arguments):
    """The paper's numbers against ours: printed, and in the results as audit.md."""
    import data
    from evaluation import audit, runs

    path = arguments.runs or (RUNS if RUNS.exists() else None)
    trained = runs.load(path) if path else []
    images = data.load("mnist", "test").images
    recipe, author = arguments.config or {}, arguments.author_checkpoints
    publish(arguments, "audit", *audit.report(trained, recipe, arguments.model_dir, author, images))


def publish(arguments, name, rows, text):
    """Print `text`, write it to the results as NAME.md, and the rows as JSON on request."""
    print(text, end="")
    write_atomically(Path(arguments.out_dir) / f"{name}.md", text.encode())
    if arguments.json:
        write_atomically(arguments.json, json.dumps({"rows": rows}, indent=1).encode())


def reconstruct_picture(arguments, found):
    """The user's picture through every model: its PSNR and SSIM, and both side by side as PNG."""
    import numpy as np

    from data import batches, picture
    from evaluation import pictures, quality
    from models import checkpoint

    for loss, path in found.items():
        model, _ = checkpoint.load_model(path)
        image = picture.load(arguments.image, model.image_shape)
        measured = quality.reconstruction_quality(model, image, arguments.z, arguments.seed)
        noise = quality.posterior_noise(model, 1, arguments.z, arguments.seed)
        pair = np.concatenate([batches.to_float(image), model.reconstruct(batches.to_float(image), noise)])
        out = Path(arguments.out_dir) / loss / f"{Path(arguments.image).stem}_reconstruction.png"
        pictures.save(out, pictures.grid(pair))
        print(f"{loss}: PSNR {measured['psnr'][0]:.2f} dB, SSIM {measured['ssim'][0]:.3f}  {out}")


def probe_losses(arguments):
    """What every loss answers to blur, shift and noise: printed, and drawn as figures/probe.png."""
    import_tensorflow()
    import data
    import losses
    from evaluation import figures, probe
    from evaluation.drawn import drawn
    from evaluation.plots import sensitivity

    names = [name.strip() for name in (arguments.loss or PAPER_LOSSES).split(",") if name.strip()]
    probed = probe.with_terms({name: losses.build(name) for name in names})
    images = data.load(arguments.dataset, arguments.split, arguments.data_dir).images[: probe.NUM_IMAGES]
    found = probe.responses(probed, drawn(images))
    print(probe.table(found))
    figures.save(sensitivity.sensitivity(found), Path(arguments.out_dir) / "figures" / "probe.png")


if __name__ == "__main__":
    run(main)

"""Train a VAE:  python train.py --loss=ours --epochs=50  (every key of config/*.yml is a flag).

Several values make a sweep, every combination a run:  python train.py --loss=l2,ssim,ours --seed=0,1,2
"""

import argparse

import config
from config.command_line import Parser
from config.schema import Key
from config.system.errors import UserError, run
from config.system.runtime import import_tensorflow

JOBS = Key(int, "runs of a sweep at a time", low=1, high=256)


def parse(argv):
    """The configuration and the other flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_argument("--config", metavar="PATH", help="YAML file of keys to use in place of the defaults")
    parser.add_argument("--resume", action="store_true", help="go on with the interrupted run of this tag")
    parser.add_argument("--overwrite", action="store_true", help="begin anew where an unfinished run stands")
    parser.add_argument("--replay", metavar="RECORD", help="show the terms of a recorded step that was not finite")
    parser.add_argument(
        "--jobs",
        type=lambda text: JOBS.parse("--jobs", text),
        metavar="INT",
        help=f"{JOBS.help} (default: 1)",
    )
    for name, default in config.defaults().items():
        parser.add_key(name, argparse.SUPPRESS, shown=default, lists=True)
    return parser.parse(argv)


def main(argv):
    """Train, and say what came out and where it is."""
    arguments = vars(parse(argv))
    path, resume, overwrite, record, jobs = (
        arguments.pop(name) for name in ("config", "resume", "overwrite", "replay", "jobs")
    )
    given = (config.read_yaml(path) if path else {}) | arguments
    if "image_size" in arguments and not resume:
        config.require_sized(given.get("dataset", config.defaults()["dataset"]))
    is_sweep = any(isinstance(value, list) for value in given.values())
    if jobs and not is_sweep:
        raise UserError("--jobs: expected with several values of a key, a sweep, got it with a single run")
    settings = None if is_sweep else config.resolve(given)

    import_tensorflow()
    if record:
        replay(record)
    elif is_sweep:
        from training import sweep

        print(f"runs       {sweep.train(given, jobs or 1, overwrite and not resume)}")
    else:
        train(settings, given, resume, overwrite)


def replay(record):
    """Show a step that failed."""
    from training import guard

    step, terms = guard.replay(record)
    print(f"step {step}", *(f"{name:40} {value:g}" for name, value in terms.items()), sep="\n")


def train(settings, given, resume, overwrite):
    """One run, from its beginning or, with `resume`, from its saved state."""
    from evaluation.metrics.quality import reconstruction_quality
    from models import runs
    from training import loop, state

    if resume:
        settings = state.resumed(runs.files(settings).state, given)
    files = runs.files(settings)
    model, test_images = loop.train(settings, resume, overwrite)
    quality = reconstruction_quality(model, test_images)
    runs.record(settings, quality)
    print(
        f"PSNR {quality['psnr'].mean():.2f} dB, SSIM {quality['ssim'].mean():.3f} "
        f"on {len(test_images):,} {settings.test_split} images (z: posterior {model.z})\n"
        f"checkpoint {files.model}\nsamples    {files.samples}\nmetrics    {files.metrics}"
    )


if __name__ == "__main__":
    run(main)

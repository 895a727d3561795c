"""Train a VAE:

    python train.py --loss=ours --epochs=50

Several values make a sweep, and every combination is a run:

    python train.py --loss=l2,ssim,ours --seed=0,1,2

An experiment is a file of values, with its sweeps:

    python train.py --config=config/experiments/two_stage.yml
"""

import config
import config.sweep
from config import places
from config.command_line import Parser
from config.schema import Key
from config.system.errors import UserError, run
from config.system.files import ARRAYS, require_file
from config.system.runtime import import_tensorflow

JOBS = Key(int, "runs of a sweep at a time", low=1, high=256)


def parse(argv):
    """Return the flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_argument("--config", metavar="PATH", help="YAML file of values, an experiment")
    parser.add_argument("--resume", action="store_true", help="continue the interrupted run of this tag")
    parser.add_argument("--overwrite", action="store_true", help="replace the unfinished run of this tag")
    parser.add_argument("--replay", metavar="RECORD", help="show the terms of a recorded step that was not finite")
    parser.add_value("jobs", JOBS, None, shown=1)
    parser.add_all_keys()
    return parser.parse(argv)


def main(argv):
    """Train, and say what came out and where it is."""
    flags = vars(parse(argv))
    path, resume, overwrite, record, jobs = (
        flags.pop(name) for name in ("config", "resume", "overwrite", "replay", "jobs")
    )
    given = config.read_experiment(path, flags) if path else [flags]
    is_sweep = len(given) > 1 or any(isinstance(value, list) for value in given[0].values())
    if jobs and not is_sweep:
        raise UserError("--jobs: expected with several values of a key, a sweep, got it with a single run")
    stages = config.sweep.stages(given) if is_sweep else [given]
    settings = [config.resolve(run) for stage in stages for run in stage]
    if is_sweep and any(run.strategy == "multi_worker" for run in settings):
        raise UserError("strategy: expected none or mirrored in a sweep, got multi_worker, which trains one run")

    if record:
        require_file(record, "the record of a failed step", ARRAYS)
    else:
        require_beginnings(settings, resume and not is_sweep)

    import_tensorflow(deterministic=all(run.deterministic for run in settings))
    if record:
        replay(record)
    elif is_sweep:
        from training import sweep

        print(f"runs       {sweep.train(stages, jobs or 1, overwrite and not resume)}")
    else:
        train(settings[0], given[0], resume, overwrite)


def require_beginnings(settings, resume):
    """Check that there is what the runs with these `settings`, a list, begin with.

    Raises:
        UserError: a folder of pictures is missing or, with `resume`, the state of the run.
    """
    for one in settings:
        state = places.files(one).state
        if resume and not state.exists():
            raise UserError(f"--resume: expected the state of an interrupted run, got no file {state}")
        if not resume:
            config.require_pictures(one.dataset, one.data_dir)


def replay(record):
    """Show a step that failed."""
    from training import guard

    step, terms = guard.replay(record)
    print(f"step {step}", *(f"{name:40} {value:g}" for name, value in terms.items()), sep="\n")


def train(settings, given, resume, overwrite):
    """Train one run, from its beginning or, with `resume`, from its saved state."""
    from evaluation.scoring import score
    from models import runs
    from training import devices, loop, state

    if resume:
        settings = state.resumed(runs.files(settings).state, given)
    print(f"settings   {config.shown(settings)}")
    settings, model, test_images = loop.train(settings, resume, overwrite)
    if not devices.is_chief(model):
        return
    scores, files = score(model, test_images), runs.files(settings)
    runs.record(settings, scores)
    print(
        f"PSNR {scores['psnr'].mean():.2f} dB, SSIM {scores['ssim'].mean():.3f} "
        f"on {len(test_images):,} {settings.test_split} images (from the posterior {model.latents})\n"
        f"checkpoint {files.model}\nsamples    {files.samples}\nmetrics    {files.metrics}"
    )


if __name__ == "__main__":
    run(main)

"""A sweep: every combination of the keys that were given several values, a process each."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

import config
import models
from config.system.errors import UserError
from config.system.files import require_writable
from evaluation.metrics.quality import reconstruction_quality
from models import checkpoint, runs
from training import loop, state

SCRIPT = Path(__file__).parents[1] / "train.py"


def combinations(given):
    """The overrides of every run: `given` with one value each of the keys that have several, and a tag.

    The tag is the given one, then the loss and each swept value that is not the default:
    ours, ours_seed1, ours_beta0.001_seed1.

    Raises:
        UserError: the tag is a list, or two runs would have one tag: a value stands there twice.
    """
    if isinstance(given.get("tag"), list):
        raise UserError(f"tag: expected one name, which every run's begins with, got {', '.join(given['tag'])}")
    swept = {key: values for key, values in given.items() if isinstance(values, list)}
    found = []
    for values in itertools.product(*swept.values()):
        run = given | dict(zip(swept, values, strict=True))
        others = [key for key in swept if key not in ("loss", "model")]
        differing = {key: run[key] for key in others if run[key] != config.defaults()[key]}
        stem = [given["tag"]] if given.get("tag") else []
        stem += [config.resolve(run).loss] if not stem or {"loss", "model"} & {*swept} else []
        found.append(run | {"tag": "_".join([*stem, *(f"{key}{value}" for key, value in differing.items())])})
    tags = [run["tag"] for run in found]
    if twice := {tag for tag in tags if tags.count(tag) > 1}:
        raise UserError(f"sweep: expected every run once, got two of the tag {min(twice)}")
    return found


def train(given, jobs, overwrite=False):
    """Train every run of the sweep `given`, `jobs` at a time, and put each in the table of runs.

    Finished runs are left as they are; interrupted ones go on or, with `overwrite`, begin anew.

    Raises:
        UserError: a combination is impossible, before any training; or some runs failed, after all.
        KeyboardInterrupt: it was asked to stop; the runs under way are saved.
    """
    sweep = [(run, config.resolve(run)) for run in combinations(given)]
    for _, settings in sweep:
        loop.begin(settings, models.build(settings, loop.load_images(settings)[0].shape[1:]))
        require_writable(runs.files(settings).logs)
    waiting = [(run, settings) for run, settings in sweep if not runs.is_finished(settings)]
    failures, running = [], set()
    with stopping(running), ThreadPoolExecutor(jobs) as pool:
        ends = [pool.submit(train_one, *run, jobs, overwrite, running) for run in waiting]
        try:
            for end in tqdm(as_completed(ends), total=len(sweep), initial=len(sweep) - len(waiting), unit="run"):
                failures += end.result()
        except KeyboardInterrupt as interrupt:
            pool.shutdown(cancel_futures=True)
            command = "the same command with --resume" if overwrite else "the same command"
            raise KeyboardInterrupt(f"the runs under way are saved; {command} goes on") from interrupt
    for _, settings in sweep:
        complete_table(settings)
    if failures:
        raise UserError(f"{len(failures)} of {len(sweep)} runs failed; {'; '.join(failures)}")
    return Path(settings.results_dir) / runs.TABLE


@contextlib.contextmanager
def stopping(running):
    """Ctrl-C, or a request to end, raises KeyboardInterrupt here and ends the `running` processes too."""

    def stop(number, frame):
        if number == signal.SIGTERM:  # Ctrl-C reaches them by itself
            for process in running:
                process.terminate()
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def train_one(given, settings, jobs, overwrite, running):
    """Train a run in a process of its own, `running` meanwhile; a list of what went wrong, one line or none."""
    files = runs.files(settings)
    how = ["--overwrite"] if overwrite else [] if state.is_finished(files.state) else ["--resume"]
    flags = [f"--{key}={value}" for key, value in given.items()]
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    environment = ({"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads} if jobs > 1 else {}) | os.environ
    with (files.logs / "train.log").open("w") as log:
        command = [sys.executable, SCRIPT, *flags, *how]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        running.add(process)
        process.wait()
        running.remove(process)
    last_line = (files.logs / "train.log").read_text().replace("\r", "\n").strip().split("\n")[-1]
    return [f"{settings.tag}: {last_line}"] if process.returncode else []


def complete_table(settings):
    """Measure a finished run that the table does not have."""
    present = [row["tag"] for row in runs.read(Path(settings.results_dir) / runs.TABLE)]
    if settings.tag not in present and runs.is_finished(settings):
        model, _ = checkpoint.load_model(runs.files(settings).model)
        runs.record(settings, reconstruction_quality(model, loop.load_images(settings)[1]))

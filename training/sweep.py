"""The runs of a sweep, a process each."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

import config
import models
from config.system import machine
from config.system.errors import UserError
from config.system.files import require_writable
from evaluation.scoring import score
from models import checkpoint, runs
from training import loop, state

SCRIPT = Path(__file__).parents[1] / "train.py"
LOG = "train.log"


class Run(NamedTuple):
    """A run of a sweep."""

    given: dict  # the values that are its flags
    settings: config.Settings


def plan(stages):
    """Return the Runs of every stage, a list of lists, after a look whether all of them are possible.

    Args: `stages`, lists of dicts of given values; a stage may start from the checkpoints of an earlier one.

    Raises:
        UserError: a combination is impossible or a checkpoint to start from is missing.
    """
    planned, made = [], {}
    for stage in stages:
        found = []
        for run in stage:
            settings, images, _ = loop.prepare(config.resolve(run))
            start = loop.beginning(settings)
            if start is None or Path(start) not in made:
                model = models.build(settings, images.shape[1:])
                if start:
                    checkpoint.copy_weights(start, model)
            path = runs.files(settings).model
            if path in made:
                raise UserError(f"sweep: expected every run once, got two of the tag {settings.tag}")
            made[path] = settings
            require_writable(runs.files(settings).logs)
            found.append(Run(run, settings))
        planned.append(found)
    return planned


def train(stages, jobs, overwrite=False):
    """Train every run of the `stages` (see config.sweep.stages), one stage after the other, `jobs` runs at a time.

    Finished runs stay; interrupted ones continue or, with `overwrite`, begin again. Every run gets its row in the
    table of runs, whose path is returned.

    Raises:
        UserError: a run is impossible, before any training; or some runs failed, after the others of their stage.
        KeyboardInterrupt: it was asked to stop; the runs under way are saved.
    """
    planned = plan(stages)
    waiting = [[run for run in stage if not runs.is_finished(run.settings)] for stage in planned]
    total, left = sum(map(len, planned)), sum(map(len, waiting))
    say(f"{total} runs, of which {total - left} are finished")
    with tqdm(total=total, initial=total - left, unit="run", disable=None) as bar:
        for stage, everyone in zip(waiting, planned, strict=True):
            failures = train_stage(stage, jobs, overwrite, bar)
            for run in everyone:
                complete_table(run.settings)
            if failures:
                raise UserError(f"{len(failures)} of {total} runs failed; {'; '.join(failures)}")
    return Path(planned[-1][-1].settings.results_dir) / runs.TABLE


def train_stage(stage, jobs, overwrite, bar):
    """Train the Runs of a stage, `jobs` at a time, and return what went wrong, a line for each run that failed."""
    failures, running = [], set()
    with stopping(running), ThreadPoolExecutor(jobs) as pool:
        ends = {pool.submit(train_one, run, jobs, overwrite, running): run for run in stage}
        try:
            for end in as_completed(ends):
                failures += end.result()
                say(f"{ends[end].settings.tag}: {last_line(ends[end], 'PSNR.*')}")
                bar.update()
        except KeyboardInterrupt as interrupt:
            pool.shutdown(cancel_futures=True)
            command = "the same command with --resume" if overwrite else "the same command"
            raise KeyboardInterrupt(f"the runs under way are saved; {command} continues") from interrupt
    return failures


@contextlib.contextmanager
def stopping(running):
    """Raise KeyboardInterrupt here on Ctrl-C or a request to end, and end the `running` processes too."""

    def stop(number, frame):
        if number != signal.SIGINT:  # Ctrl-C reaches them by itself
            for process in running:
                process.terminate()
        raise KeyboardInterrupt

    previous = machine.handle(dict.fromkeys(machine.STOPS, stop))
    try:
        yield
    finally:
        machine.handle(previous)


def train_one(run, jobs, overwrite, running):
    """Train a Run in a process of its own, which is in `running` meanwhile; return its error, a list of at most one."""
    files = runs.files(run.settings)
    how = ["--overwrite"] if overwrite else ["--resume"] if state.has_unfinished_run(files.state) else []
    flags = [f"--{key}={value}" for key, value in run.given.items()]
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    environment = ({"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads} if jobs > 1 else {}) | os.environ
    environment |= {"PYTHONIOENCODING": "utf-8"}  # of the log
    path = files.logs / LOG
    say(f"{run.settings.tag}: training, with its progress in {path}")
    with path.open("w", encoding="utf-8") as log:
        command = [sys.executable, SCRIPT, *flags, *how]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        running.add(process)
        process.wait()
        running.remove(process)
    return [f"{run.settings.tag}: {last_line(run)}"] if process.returncode else []


def say(line):
    """Print a line above the bar, at once, also into a file."""
    tqdm.write(line)
    sys.stdout.flush()


def last_line(run, pattern=".*"):
    """Return the last line of the log of a Run that fits a `pattern`, else the last of all."""
    text = (runs.files(run.settings).logs / LOG).read_text(encoding="utf-8", errors="replace")
    lines = text.replace("\r", "\n").strip().split("\n")
    return next((line for line in reversed(lines) if re.fullmatch(pattern, line)), lines[-1])


def complete_table(settings):
    """Add the row of a finished run that the table of runs does not have."""
    present = [row["tag"] for row in runs.read(Path(settings.results_dir) / runs.TABLE)]
    if settings.tag not in present and runs.is_finished(settings):
        model, _ = checkpoint.load_model(runs.files(settings).model)
        runs.record(settings, score(model, loop.prepare(settings)[2]))

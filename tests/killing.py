"""Trains in child processes that kill themselves at random moments:  python killing.py FOLDER KILLS FLAGS...

Twenty of them take a minute. Trains once undisturbed into FOLDER/whole, then into FOLDER/cut: killed with SIGKILL,
half of the time in the middle of a write, resumed, and after the last kill left to finish. Prints the number of kills.
"""

import random
import sys
from pathlib import Path

from benchmarks import children
from config.system.runtime import import_tensorflow

import_tensorflow()

import train  # noqa: E402
from training import callbacks  # noqa: E402, F401  before a child is forked


def trained(argv, folder, choice=None):
    """Whether a child process that trains with `argv` was killed."""
    log = Path(folder) / "stderr"
    end = children.wait(children.start(train.main, argv, log, lambda: choice and children.die_at_random(choice)), log)
    assert end.code in (0, None), end.stderr
    return end.code is None


def main(folder, kills, *flags):
    def where(name):
        return [f"--{kind}_dir={folder}/{name}/{kind}" for kind in ("model", "results", "logs")]

    trained([*flags, *where("whole")], folder)
    killed = 0
    state = Path(folder) / "cut/model/l2/training.state.npz"
    for seed in range(2 * int(kills)):  # a child may finish before its moment comes: the next one begins again
        if killed < int(kills):
            begun = ["--resume", "--tag=l2"] if state.exists() else flags
            killed += trained([*begun, *where("cut")], folder, random.Random(seed))
    begun = ["--resume", "--tag=l2"] if state.exists() else flags
    trained([*begun, *where("cut")], folder)
    print(f"{killed} kills")


if __name__ == "__main__":
    main(*sys.argv[1:])

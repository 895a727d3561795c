"""Trains in child processes that kill themselves at random moments:  python killing.py FOLDER KILLS FLAGS...

Forked before TensorFlow has begun to compute, so that twenty of them take a minute. Trains once
undisturbed into FOLDER/whole, then into FOLDER/cut: killed with SIGKILL, half of the time in the middle
of a write, resumed, and after the last kill left to finish. Prints the number of kills.
"""

import os
import random
import signal
import sys
import threading
from pathlib import Path

from config.system.runtime import import_tensorflow

import_tensorflow()

import train  # noqa: E402
from training import callbacks  # noqa: E402


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_a_write(writes):
    """Leave the file of a later write half written."""

    def fsync(descriptor, real=os.fsync):
        nonlocal writes
        writes -= 1
        if writes < 0:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        real(descriptor)

    os.fsync = fsync


def die_after(calls, seconds):
    """Take a few steps, then die a moment later, wherever the training is by then."""

    class Timer(callbacks.ProgressBar):
        def move(self, step):
            nonlocal calls
            super().move(step)
            calls -= 1
            if calls == 0:
                threading.Timer(seconds, die).start()

    callbacks.ProgressBar = Timer


def trained(argv, choice=None):
    """Whether a child process that trains with `argv` was killed."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL, status
        return status != 0
    code = 1
    try:
        if choice and choice.random() < 0.5:
            die_in_a_write(choice.randrange(10))
        elif choice:
            die_after(choice.randrange(1, 10), choice.uniform(0, 0.03))
        train.main(argv)
        code = 0
    finally:
        os._exit(code)


def main(folder, kills, *flags):
    def where(name):
        return [f"--{kind}_dir={folder}/{name}/{kind}" for kind in ("model", "results", "logs")]

    trained([*flags, *where("whole")])
    killed = 0
    state = Path(folder) / "cut/model/l2/training.state.npz"
    for seed in range(2 * int(kills)):  # a child may finish before its moment comes: the next one begins again
        if killed < int(kills):
            begun = ["--resume", "--tag=l2"] if state.exists() else flags
            killed += trained([*begun, *where("cut")], random.Random(seed))
    begun = ["--resume", "--tag=l2"] if state.exists() else flags
    trained([*begun, *where("cut")])
    print(f"{killed} kills")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Commands in child processes that may die at a moment of their own.

They are forked before TensorFlow has begun to compute, so that a child needs no second to import it.
"""

import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import NamedTuple

from config.system.errors import UserError


class End(NamedTuple):
    """How a child ended: its exit code, None where it was killed, and what it wrote to stderr."""

    code: int | None
    stderr: str


def start(main, argv, log, before=lambda: None):
    """Start a child that calls `before()` and `main(argv)`, with its stderr in the file `log`; return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        before()
        main(argv)
        code = 0
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait(child, log):
    """Return the End of a child."""
    status = os.waitpid(child, 0)[1]
    is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    code = None if is_killed else os.waitstatus_to_exitcode(status)
    return End(code, Path(log).read_text(encoding="utf-8", errors="replace"))


def die():
    """Kill this process, as a power failure would."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_a_write(writes):
    """Leave the file of a later write half written, after so many `writes`, and die."""

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
    from training import callbacks

    class Timer(callbacks.ProgressBar):
        def move(self, step):
            nonlocal calls
            super().move(step)
            calls -= 1
            if calls == 0:
                threading.Timer(seconds, die).start()

    callbacks.ProgressBar = Timer


def die_at_random(choice):
    """Die at a moment that `choice`, a random.Random, chooses: half of the time in the middle of a write."""
    if choice.random() < 0.5:
        die_in_a_write(choice.randrange(10))
    else:
        die_after(choice.randrange(1, 10), choice.uniform(0, 0.03))

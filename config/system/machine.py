"""What not every operating system has, each with what stands in for it where it is missing."""

import os
import signal

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# bytes of memory where the system does not tell
USUAL_MEMORY = 8 * 2**30
# the signals by which a process is asked to end: Ctrl-C and kill
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name)]


def memory():
    """Return the machine's memory, in bytes; USUAL_MEMORY where the system does not tell, as Windows."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return USUAL_MEMORY


def lock(file, wait):
    """Lock an open file for this process, after another has unlocked it if `wait`.

    It is unlocked when it is closed or the process ends. Windows has no such locks: two processes are not noticed.

    Raises:
        OSError: another process has locked it, and this one does not wait.
    """
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def handle(handlers):
    """Set the handlers of signals, a dict by number, and return the earlier ones, such a dict too."""
    return {number: signal.signal(number, handler) for number, handler in handlers.items()}

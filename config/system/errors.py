"""What a user can get wrong: one line, exit code 2."""

import errno
import io
import os
import sys
from pathlib import Path


class UserError(Exception):
    """A mistake of the user's, told in one line: what happened, what was expected, what came."""


def open_streams():
    """Make the standard streams take anything.

    Those that the caller has closed lead nowhere, so that no other file takes their numbers. A character that the
    terminal does not know is shown as a question mark.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "w" if number else "r", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def require_place():
    """Check that the folder in which the command runs is there.

    Raises:
        UserError: it was deleted.
    """
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise UserError("expected a folder to run in, got one that was deleted") from error


def discard_output():
    """Leave nothing for Python to flush at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(main):
    """Call the script's `main(argv)`; a UserError becomes one line on stderr and exit code 2."""
    open_streams()
    try:
        require_place()
        main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever reads the output, such as head, has enough of it
        discard_output()
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename:
            raise
        discard_output()
        print("error: expected space for what is printed, got a full disk", file=sys.stderr)
        sys.exit(2)
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as interrupt:
        print(f"interrupted: {interrupt}".removesuffix(": "), file=sys.stderr)
        sys.exit(130)

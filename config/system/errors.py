"""What a user can get wrong: one line, exit code 2."""

import sys


class UserError(Exception):
    """A mistake of the user's, told in one line: what happened, what was expected, what came."""


def run(main):
    """Call the script's `main(argv)`; a UserError becomes one line on stderr and exit code 2."""
    try:
        main(sys.argv[1:])
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as interrupt:
        print(f"interrupted: {interrupt}".removesuffix(": "), file=sys.stderr)
        sys.exit(130)

"""Flags: --key=value, --key value, or key=value, the last as in the original README."""

import argparse
import re

import config
from config.errors import UserError


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line and exit code 2."""

    def __init__(self, description, **kwargs):
        super().__init__(
            description=description,
            allow_abbrev=False,
            **kwargs,
        )

    def parse(self, argv):
        """The arguments in `argv`, `key=value` counting as `--key=value`."""
        flags = [f"--{word}" if re.match(r"[A-Za-z_]\w*=", word) else word for word in argv]
        arguments, unknown = self.parse_known_args(flags)
        if unknown:
            name = unknown[0].lstrip("-").split("=")[0]
            config.lookup(name, [key for action in self._actions for key in (action.dest,)], f"{unknown[0][:80]!r}: ")
        return arguments

    def error(self, message):
        """Raise what argparse would print with its usage."""
        raise UserError(message)

    def add_key(self, name, default):
        """A flag for the configuration key `name`; absent from the result unless given."""
        key = config.KEYS[name]

        def parse(text):
            return key.parse(f"--{name}", text)

        shown = f"{key.help} (default: {default})".replace("%", "%%")
        self.add_argument(f"--{name}", type=parse, default=argparse.SUPPRESS, metavar=key.kind.__name__.upper(), help=shown)

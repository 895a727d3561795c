"""Flags: --key=value, --key value, or key=value, the last as in the original README."""

import argparse
import re
import sys
from pathlib import Path

import config
from config.places import is_prefix
from config.schema import GROUPS, KEYS, ROOT
from config.system.errors import UserError
from config.system.files import ARRAYS, require_file

# folders in which a checkpoint is looked for by its name: one's own trainings, then what the repository ships
LOCAL, SHIPPED = Path("checkpoints/local"), Path("checkpoints")


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line and exit code 2."""

    def __init__(self, description):
        raw = argparse.RawDescriptionHelpFormatter
        module = sys.modules["__main__"].__spec__  # None of a script
        program = f"-m {module.name}" if module else "%(prog)s"
        usage = f"python {program} [flags]"
        super().__init__(usage=usage, description=description, allow_abbrev=False, formatter_class=raw)

    def parse(self, argv):
        """Return the arguments in `argv`; `key=value` counts as `--key=value`.

        Raises:
            UserError: an unknown flag, or a value of the wrong type or out of bounds.
        """
        switches = {f"--{name}" for name, action in self.flags().items() if action.nargs == 0}
        bare = [False, *(re.fullmatch(r"--\w+", word) is not None and word not in switches for word in argv)]
        flags = [f"--{w}" if re.match(r"[A-Za-z_]\w*=", w) and not b else w for w, b in zip(argv, bare, strict=False)]
        arguments, unknown = self.parse_known_args(flags)
        if unknown:
            word = unknown[0][:80]
            if word.startswith("--"):
                config.lookup(word.lstrip("-").split("=")[0], self.flags())
            raise UserError(f"unexpected argument {word!r}; expected --key=value")
        if empty := [name for name, value in vars(arguments).items() if value == []]:  # argparse drops a value of "--"
            raise UserError(f"--{empty[0]}: expected a value, got '--'")
        return arguments

    def flags(self):
        """Return the flags by name, without their dashes."""
        return {action.dest: action for action in self._actions}

    def error(self, message):
        """Raise what argparse would print with its usage."""
        raise UserError(message)

    def add_key(self, name, default, flag=None, shown=None, lists=False, group=None):
        """Add a flag with the type, bounds and meaning of the configuration key `name`, or for `lists` of values."""
        self.add_value(flag or name, KEYS[name], default, shown, lists, group)

    def add_value(self, flag, key, default, shown=None, lists=False, group=None, **more):
        """Add a flag for a value of a `Key`, or for `lists` of them. Args: `shown`, the default as --help shows it."""
        shown = default if shown is None else shown
        text = f"{key.help}{choices(key)} (default: {shown if shown != '' else 'empty'})".replace("%", "%%")
        parse = key.parse_list if lists else key.parse
        (group or self).add_argument(
            f"--{flag}",
            type=lambda value: parse(f"--{flag}", value),
            default=default,
            metavar=key.kind.__name__.upper(),
            help=text,
            **more,
        )

    def add_all_keys(self):
        """Add a flag for every key of the configuration, in groups. A flag that is not given is not in the result."""
        for title, keys in GROUPS.items():
            group = self.add_argument_group(title)
            for name in keys:
                default = config.defaults()[name]
                self.add_key(name, argparse.SUPPRESS, shown=default, lists=True, group=group)

    def add_checkpoints(self, default):
        """Add the flags `--loss`, `--model_dir` and `--checkpoint`, which name checkpoints."""
        text = f"names of checkpoints, separated by commas, or all (default: {default})"
        self.add_argument("--loss", metavar="LOSS[,LOSS]", help=text)
        self.add_key("model_dir", None, shown=f"{LOCAL}, then {SHIPPED}")
        text = "one checkpoint: a model.npz, or the prefix of TensorFlow's files; --loss then names it"
        self.add_argument("--checkpoint", metavar="PATH", help=text)


def choices(key):
    """The choices of a key, and who reads it, as --help shows them."""
    names = f"; one of {', '.join(map(str, key.choices))}" if key.choices else ""
    readers = f"; read with {key.read_by.key} {', '.join(key.read_by.names)}" if key.read_by else ""
    return names + readers


def checkpoint_files(flags, default):
    """Return the files of checkpoints by name: that of `--checkpoint`, or those that `--loss` (else `default`) names.

    A name is looked for in the folder `--model_dir` or, without that flag, in LOCAL and then in SHIPPED of the
    repository, wherever the command runs. Where both have it, a line on stderr says so.

    Raises:
        UserError: there is no checkpoint of that name, or no such file.
    """
    if flags.loss == "":
        raise UserError("--loss: expected names of checkpoints or all, got ''")
    if flags.checkpoint:
        path = Path(flags.checkpoint).resolve()
        require_file(f"{path}.index" if is_prefix(path) else path, "a checkpoint", ARRAYS)
        return {file_name(flags.loss or (path.parent.name if path.stem == "model" else path.name)): path}
    folders = checkpoint_folders(flags)
    present = {path.parent.name: path for folder in folders[::-1] for path in sorted(folder.glob("*/model.npz"))}
    names = default if flags.loss is None else flags.loss
    wanted = sorted(present) if names == "all" else [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted or [names]:
        if name not in present:
            where = " and ".join(f"{folder}/" for folder in folders[::-1])
            hint = f"; python train.py --loss={name} trains it" if name in KEYS["loss"].choices else ""
            raise UserError(
                f"loss: expected one of {', '.join(sorted(present)) or '(none)'}, the checkpoints in {where}, "
                f"got {name[:80]!r}{hint}"
            )
        if all((folder / name / "model.npz").exists() for folder in folders) and len(folders) > 1:
            shipped = f"--model_dir={folders[1]} has another"
            print(f"{name}: {present[name]}, of your own training; {shipped}", file=sys.stderr)
    return {name: present[name] for name in wanted}


def checkpoint_folders(flags):
    """Return the folders in which checkpoints are looked for, the first one first."""
    return [Path(flags.model_dir)] if flags.model_dir else [LOCAL, of_repository(SHIPPED)]


def of_repository(place):
    """Return the path of a file or folder of the repository, relative where the command runs in it."""
    return place if Path.cwd() == ROOT else ROOT / place


def file_name(text):
    """Return `text`, which names a file or a folder and is no path.

    Raises:
        UserError: it is empty or has other characters than letters, digits and _+.=-.
    """
    return KEYS["tag"].parse("name", text or "/")

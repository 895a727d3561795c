"""Flags: --key=value, --key value, or key=value, the last as in the original README."""

import argparse
import re
from pathlib import Path

import config
from config.schema import KEYS, TAG
from config.system.errors import UserError

PAPER_LOSSES = "l2,l1,ssim,dft+ssim,ours"
RESTORERS = (
    "ambient_drop_independent,supervised_drop_independent,ambient_drop_patch,supervised_drop_patch,"
    "ambient_add_noise,supervised_add_noise"
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line and exit code 2."""

    def __init__(self, description):
        super().__init__(description=description, allow_abbrev=False)

    def parse(self, argv):
        """The arguments in `argv`, `key=value` counting as `--key=value`.

        Raises:
            UserError: an unknown flag, or a value of the wrong type or out of bounds.
        """
        bare = [False, *(re.fullmatch(r"--\w+", word) is not None for word in argv)]
        flags = [f"--{w}" if re.match(r"[A-Za-z_]\w*=", w) and not b else w for w, b in zip(argv, bare, strict=False)]
        arguments, unknown = self.parse_known_args(flags)
        if unknown:
            known = {action.dest: action for action in self._actions}
            config.lookup(unknown[0].lstrip("-").split("=")[0], known, f"{unknown[0][:80]!r}: ")
            raise UserError(f"unexpected argument {unknown[0][:80]!r}; expected --key=value")
        return arguments

    def error(self, message):
        """Raise what argparse would print with its usage."""
        raise UserError(message)

    def add_key(self, name, default, flag=None, shown=None, lists=False):
        """A flag with the type, bounds and meaning of the configuration key `name`, or `lists` of them."""
        flag = flag or name
        shown = default if shown is None else shown

        def parse(text):
            return (KEYS[name].parse_list if lists else KEYS[name].parse)(f"--{flag}", text)

        text = f"{KEYS[name].help} (default: {shown if shown != '' else 'empty'})".replace("%", "%%")
        self.add_argument(f"--{flag}", type=parse, default=default, metavar=KEYS[name].kind.__name__.upper(), help=text)

    def add_checkpoints(self, default):
        """The flags `--loss`, `--model_dir` and `--checkpoint`, which name checkpoints."""
        text = f"names of checkpoints, comma-separated, or all (default: {default})"
        self.add_argument("--loss", metavar="LOSS[,LOSS]", help=text)
        self.add_key("model_dir", config.defaults()["model_dir"])
        text = "one checkpoint: a model.npz, or the prefix of TensorFlow's files; --loss then names it"
        self.add_argument("--checkpoint", metavar="PATH", help=text)


def checkpoint_files(arguments, default):
    """The files that `--checkpoint`, or `--loss` (else `default`) and `--model_dir` name, by name.

    Raises:
        UserError: there is no such checkpoint in the folder, or none at all.
    """
    if arguments.checkpoint:
        path = Path(arguments.checkpoint).resolve()
        return {file_name(arguments.loss or (path.parent.name if path.stem == "model" else path.name)): path}
    names, folder = arguments.loss or default, arguments.model_dir
    present = sorted(path.parent.name for path in Path(folder).glob("*/model.npz"))
    wanted = present if names == "all" else [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted or [names]:
        if name not in present:
            hint = f"; python train.py --loss={name} makes it" if name in PAPER_LOSSES.split(",") else ""
            raise UserError(
                f"loss: expected one of {', '.join(present) or '(none)'}, the checkpoints in {folder}/, "
                f"got {name[:80]!r}{hint}"
            )
    return {name: Path(folder) / name / "model.npz" for name in wanted}


def file_name(text):
    """`text` as the name of a file or folder, without a path.

    Raises:
        UserError: it is empty or has characters other than letters, digits and _+.=-.
    """
    if not text or not re.fullmatch(TAG, text):
        raise UserError(f"name: expected letters, digits and _+.=-, got {text[:80]!r}")
    return text


def require_sense(arguments, only_in, needs, not_with):
    """Check that no flag is ignored because of `arguments.task` or of a flag that is missing.

    Args: `only_in`, flag → the tasks it means something in; `needs`, flag → the one it means nothing without;
    `not_with`, flag → the one it means nothing beside.

    Raises:
        UserError: one is; it is named.
    """
    given = {name for name, value in vars(arguments).items() if value not in (None, "") and value is not False}
    for flag, needed in needs.items():
        if flag in given and needed not in given:
            raise UserError(f"--{flag}: expected with --{needed}, got it alone")
    for flag, other in not_with.items():
        if flag in given and other in given:
            raise UserError(f"--{flag}: expected without --{other}, got both")
    for flag, tasks in only_in.items():
        if flag in given and arguments.task not in tasks:
            raise UserError(f"--{flag}: expected with task {' or '.join(tasks)}, got task {arguments.task}")

"""Evaluate checkpoints and runs:  python evaluate.py [REPORT] [flags]

`python evaluate.py REPORT --help` shows the flags of a report. Without REPORT it is table.
"""

import re
from importlib import import_module

from config.command_line import Parser
from config.system.errors import UserError, run

# modules of evaluation/reports/; the first is the default
REPORTS = ("table", "runs", "audit", "probe", "image", "restore", "figures", "pages")


def main(argv):
    """Write the report that `argv` chooses."""
    report, flags = parse(argv)
    report.main(flags)


def parse(argv):
    """Return the report that `argv` chooses, a module, and its flags.

    Raises:
        UserError: there is no such report, it does not have a flag, or a value is wrong.
    """
    reports = {name: import_module(f"evaluation.reports.{name}") for name in REPORTS}
    parsers = {name: Parser(report.__doc__) for name, report in reports.items()}
    for name, parser in parsers.items():
        reports[name].add_flags(parser)
        parser.prog = f"evaluate.py {name}"
    lines = [f"    {name:10}{report.__doc__.splitlines()[0]}" for name, report in reports.items()]
    parsers["table"].description = "\n".join([__doc__, "Reports:", *lines, "", "Flags of table:"])
    name, words = choose(argv)
    for flag in given(words):
        if (having := [one for one in REPORTS if flag in parsers[one].flags()]) and name not in having:
            raise UserError(f"--{flag}: expected with report {' or '.join(having)}, got it with {name}")
    return reports[name], parsers[name].parse(words)


def choose(argv):
    """Return the report that `argv` chooses by its first word, or by a flag as before, and the words that are left."""
    flags = given(argv)
    by_flag = flags.get("task") or next((one for one in ("probe", "audit", "runs", "image") if one in flags), "table")
    name, *words = argv if argv and argv[0].isidentifier() else [by_flag, *argv]
    if name not in REPORTS:
        raise UserError(f"report: expected one of {', '.join(REPORTS)}, got {name[:80]!r}")
    return name, [word for word in words if not re.fullmatch(rf"(--)?task=.*|--(?=probe|audit){name}", word)]


def given(words):
    """Return the values of the flags --key=value, --key and key=value in `words`, by key."""
    found = [re.fullmatch(r"(?:--)?(\w+)=(.*)|--(\w+)", word, re.S) for word in words]
    return {match[1] or match[3]: match[2] for match in found if match}


if __name__ == "__main__":
    run(main)

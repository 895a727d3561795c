"""From the command to its end, against `import tensorflow`:  python -m benchmarks.startup

Whole processes, in turns.
"""

import statistics
import subprocess
import sys
import tempfile

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from config.command_line import Parser
from config.system.errors import run

ROUNDS = 7


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            'python -c "import tensorflow"': ["-c", "import tensorflow"],
            "python train.py --help": ["train.py", "--help"],
            "python generate.py --loss=ours": ["generate.py", "--loss=ours", f"--out_dir={folder}"],
            "python evaluate.py --loss=ours": ["evaluate.py", "--loss=ours"],
            "python evaluate.py": ["evaluate.py"],
        }

        def action(arguments):
            return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

        found = times({name: action(arguments) for name, arguments in commands.items()}, ROUNDS, 0)
    base = next(iter(found.values()))
    rows = [[f"`{name}`", f"{statistics.median(t):.2f} s", f"{ratio(t, base):.2f}"] for name, t in found.items()]
    publish("startup", ["command", "time", "÷ the import"], rows)


if __name__ == "__main__":
    run(main)

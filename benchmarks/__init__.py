"""What is claimed of speed, of the FID and of the tests, measured:  python -m benchmarks.step, and so on.

Absolute times say more of a machine than of a program, so each script takes rivals in turns and
prints medians of ratios. It writes what it prints to results/benchmarks/, where README has it from.
"""

from pathlib import Path

from config.system.files import write_atomically
from evaluation import markdown

FOLDER = Path("results/benchmarks")


def publish(name, header, rows):
    """Print a table, a header and rows of cells, and write it to results/benchmarks/NAME.md."""
    text = markdown.table(header, rows) + "\n"
    print(text, end="")
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_atomically(FOLDER / f"{name}.md", text.encode())

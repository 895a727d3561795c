"""Runs a notebook without Jupyter, and writes what its cells print and draw into it:  python tests/notebook.py FILE"""

import base64
import contextlib
import io
import json
import sys
from pathlib import Path

import matplotlib
from PIL import Image

matplotlib.use("Agg")

import matplotlib.pyplot as plt

NUM_GREYS = 16


def outputs(source, space):
    """Run the lines of a cell in the dict `space` and return what it prints and draws, as a notebook holds it."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("".join(source), "cell", "exec"), space)
    text = [{"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)}]
    return (text if printed.getvalue() else []) + [picture(number) for number in plt.get_fignums()]


def picture(number):
    """Return an open figure as a notebook holds it, and close it."""
    full, reduced = io.BytesIO(), io.BytesIO()
    plt.figure(number).savefig(full, bbox_inches="tight")
    plt.close(number)
    # enough for grey images, and half as large
    Image.open(full).convert("L").quantize(NUM_GREYS).save(reduced, "PNG", optimize=True)
    data = {"image/png": base64.b64encode(reduced.getvalue()).decode("ascii")}
    return {"data": data, "metadata": {}, "output_type": "display_data"}


def main(path):
    file = Path(path)
    notebook = json.loads(file.read_text(encoding="utf-8"))
    space = {"__name__": "__main__"}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, cell in enumerate(code, 1):
        cell.update(execution_count=count, outputs=outputs(cell["source"], space))
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

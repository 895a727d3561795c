"""The numbers in README.md and results/REPORT.md, from the tables in results/:  python -m evaluation.report

A comment says what follows it, up to <!-- end -->, and this writes it anew: a whole table, or the cell of
a row and a column. Of a table that is not there yet it says so.

    <!-- results/runs.md -->
    <!-- results/runs.md: ours - l2, PSNR -->
"""

import re
from pathlib import Path

from config.command_line import Parser
from config.system.errors import UserError, run
from config.system.files import write_atomically

DOCUMENTS = ("README.md", "results/REPORT.md")
NOT_YET = "not measured yet"
GENERATED = re.compile(r"(<!-- (results/[\w/.+-]+\.md)(?:: ([^>\n]+), ([^,>\n]+))? -->).*?(<!-- end -->)", re.S)


def main(argv):
    """Write the documents anew, all or none."""
    Parser(__doc__).parse(argv)
    texts = {document: refreshed(read(document)) for document in DOCUMENTS}
    for document, text in texts.items():
        write_atomically(document, text.encode())
        print(document)


def refreshed(text, root=Path()):
    """A document's `text` with every generated part as the tables under `root` have it.

    Raises:
        UserError: a table has no such row or column.
    """

    def part(found):
        opening, path, row, column, end = found.groups()
        table = read(root / path) if (root / path).exists() else NOT_YET
        value = cell(path, table, row, column) if row and table != NOT_YET else table.strip()
        return opening + (value if row else f"\n{value}\n") + end

    return GENERATED.sub(part, text)


def cell(path, text, row, column):
    """The cell of the row that begins with `row`, under the heading `column`, in the tables of `text`.

    Raises:
        UserError: there is none.
    """
    found = cells(text)
    if (row, column) not in found:
        rows, columns = (", ".join(dict.fromkeys(names)) for names in zip(*found, strict=True))
        raise UserError(f"{path}: expected a row of {rows} and a column of {columns}, got {row}, {column}")
    return found[row, column]


def cells(text):
    """The cells of the Markdown tables in `text`: (row, heading) → cell; of rows with one name the first counts."""
    found = {}
    for table in re.findall(r"(?:^\|.*\|\n)+", f"{text}\n", re.M):
        header, _, *rows = ([part.strip() for part in line[1:-1].split("|")] for line in table.splitlines())
        for row in rows:
            for heading, value in zip(header, row, strict=True):
                found.setdefault((row[0], heading), value)
    return found


def read(path):
    """The text of a file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: expected a text file, got: {error.strerror}") from error


if __name__ == "__main__":
    run(main)

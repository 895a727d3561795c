"""Refresh the numbers in README.md, docs/ and results/REPORT.md from the tables in results/.

    python evaluate.py pages

In these documents, what stands between a comment and <!-- end --> is replaced by a table, or by the cell of a row and
a column. If the table does not exist yet it is replaced by "not measured yet".

    <!-- results/two_stage/runs.md --> ... <!-- end -->
    <!-- results/two_stage/runs.md: SSIM, PSNR --> ... <!-- end -->
"""

import re
from pathlib import Path

from config.system.errors import UserError
from config.system.files import TABLE, read_text, write_atomically

NOT_YET = "not measured yet"
GENERATED = re.compile(r"(<!-- (results/[\w/.+-]+\.md)(?:: ([^>\n]+), ([^,>\n]+))? -->).*?(<!-- end -->)", re.S)


def add_flags(parser):
    """Add no flags: this report has none."""


def main(flags):
    """Write the documents again, all or none.

    Raises:
        UserError: a document is missing, or a table has no such row or column.
    """
    texts = {document: refreshed(read(document)) for document in documents()}
    for document, text in texts.items():
        write_atomically(document, text.encode())
        print(document)


def documents(root=Path()):
    """The documents with generated parts."""
    return [root / "README.md", *sorted(root.glob("docs/*.md")), root / "results/REPORT.md"]


def refreshed(text, root=Path()):
    """Return a document's `text` with every generated part as the tables under `root` have it.

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
    """Return the cell of the row that begins with `row`, under the heading `column`, in the tables of `text`.

    Raises:
        UserError: there is none.
    """
    found = cells(text)
    if (row, column) not in found:
        rows, columns = (", ".join(dict.fromkeys(names)) for names in zip(*found, strict=True))
        raise UserError(f"{path}: expected a row of {rows} and a column of {columns}, got {row}, {column}")
    return found[row, column]


def cells(text):
    """Return the cells of the tables in `text`, (row, heading) → cell. Of rows with one name the first counts."""
    found = {}
    for table in re.findall(r"(?:^\|.*\|\n)+", f"{text}\n", re.M):
        header, _, *rows = ([part.strip() for part in line[1:-1].split("|")] for line in table.splitlines())
        for row in rows:
            for heading, value in zip(header, row, strict=True):
                found.setdefault((row[0], heading), value)
    return found


def read(path):
    """Return the text of a file.

    Raises:
        UserError: it cannot be read.
    """
    return read_text(path, "a text file", TABLE)

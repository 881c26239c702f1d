"""Column files, as in the CoNLL shared tasks: one word with its columns per line, and a blank line after a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.counted import counted

ENDINGS = (".conll", ".iob", ".bio")
DOCUMENT = "document"
DOCUMENT_START = "-DOCSTART-"


@dataclass
class Sentence:
    """The lines of a file between two blank ones.

    Attributes:
        line: The number of the first line, from 1.
        document: The number of the document, from 1; 0 if the file has no documents.
        words: The columns of each line.
    """

    line: int
    document: int
    words: list[Sequence[str]] = field(default_factory=list)

    def row(self) -> dict[str, object]:
        """Return the first column as `tokens`, the last as `tags`, others as `column_2` and so on, and the document."""
        first, *rest = (list(column) for column in zip(*self.words, strict=True))
        row: dict[str, object] = {"tokens": first}
        if rest:
            row["tags"] = rest[-1]
        row |= {f"column_{number}": column for number, column in enumerate(rest[:-1], start=2)}
        return row | ({DOCUMENT: str(self.document)} if self.document else {})


def sentences(text: str) -> tuple[list[Sentence], list[str]]:
    """Return the sentences of a column file, and a line for each mistake, starting with "line" and its number.

    Columns are separated by tabs if the file has any, else by blanks. A line with "-DOCSTART-" begins a document. A
    line that starts with "#" and does not have the usual number of columns is a comment.
    """
    delimiter = "\t" if "\t" in text else None
    lines = [line.strip().split(delimiter) if line.strip() else [] for line in text.split("\n")]
    widths = Counter(len(columns) for columns in lines if columns and columns[0] != DOCUMENT_START)
    width = widths.most_common(1)[0][0] if widths else 0
    wrong = [
        f"line {number}: {counted(len(columns), 'column')}, but most lines have {width}. Fix the line."
        for number, columns in enumerate(lines, start=1)
        if columns and columns[0] != DOCUMENT_START and len(columns) != width and not columns[0].startswith("#")
    ]
    return (list(_sentences(lines, width)) if not wrong else []), wrong


def _sentences(lines: Sequence[Sequence[str]], width: int) -> Iterator[Sentence]:
    document, current = 0, Sentence(0, 0)
    for number, columns in enumerate(lines, start=1):
        starts = bool(columns) and columns[0] == DOCUMENT_START
        document += starts
        if (starts or not columns) and current.words:
            yield current
            current = Sentence(0, 0)
        if columns and not starts and len(columns) == width:
            current = current if current.words else Sentence(number, document)
            current.words.append(columns)
    if current.words:
        yield current

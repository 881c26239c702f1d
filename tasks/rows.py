"""One row made one example, or a line that says why it can't be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.cells import CellError, label_index, number_cell, text_cell
from tasks.labels import several
from tasks.spans import read_answers
from tasks.task import DocumentExample, Example, QuestionExample, Row, Target, Task, TextExample


@dataclass(frozen=True)
class Reading:
    """A task's rows being read, with what was found on the way.

    Attributes:
        labels: The label names in the order of their indices.
        problems: Mistakes, a line each.
        dropped: Rows left out, by reason.
    """

    task: Task
    labels: tuple[str, ...]
    problems: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def examples(self, split: str, rows: Sequence[Row]) -> list[Example]:
        """The examples of a split; rows with mistakes are left out and their mistakes kept in `problems`."""
        others = {"question_answering": self._question, "language_modelling": self._document}
        make = others.get(self.task.kind, self._text)
        found: list[Example] = []
        for number, row in enumerate(rows, start=1):
            place = row_place(split, number, row)
            try:
                example = make(row, _identity(row, split, number), split)
            except CellError as error:
                self.problems.append(f"{place}: {error}")
                continue
            if example is not None:
                found.append(example)
        return found

    def _text(self, row: Row, identity: str, split: str) -> TextExample:
        del split  # texts are read alike in every split
        texts = [text_cell(row, column) for column in self.task.text]
        pair = texts[1] if len(texts) > 1 else None
        return TextExample(identity, texts[0], self._target(row[self.task.label]), pair, self._group(row))

    def _question(self, row: Row, identity: str, split: str) -> QuestionExample | None:
        question, context = text_cell(row, self.task.question), text_cell(row, self.task.context)
        read = read_answers(row[self.task.answers], context)
        self.dropped.update(read.notes)
        unplaced = any(answer.start < 0 for answer in read.answers)
        answers = tuple(answer for answer in read.answers if answer.start >= 0) if split == "train" else read.answers
        if unplaced and not answers:
            self.dropped["train rows whose answer is not in its context"] += 1
            return None
        return QuestionExample(identity, question, context, answers, self._group(row))

    def _document(self, row: Row, identity: str, split: str) -> DocumentExample:
        del split  # documents are read alike in every split
        (column,) = self.task.text
        text = text_cell(row, column)
        if not text.strip():
            raise CellError(f"{column}: an empty document (got {text!r}). Fill the cell or leave the row out.")
        return DocumentExample(identity, text, self._group(row))

    def _group(self, row: Row) -> str:
        cell = row[self.task.group] if self.task.group else None
        return "" if cell is None else str(cell)

    def _target(self, cell: object) -> Target:
        column = self.task.label
        if self.task.kind == "regression":
            return number_cell(cell, column)
        if self.task.kind == "classification":
            return label_index(cell, column, self.labels, named=bool(self.task.labels))
        items = several(cell)
        if items is None:
            raise CellError(f"{column}: not a list of labels (got {cell!r}). Give a list, or text such as 'a|b'.")
        named = bool(self.task.labels)
        return tuple(sorted({label_index(item, column, self.labels, named=named) for item in items}))


def row_place(split: str, number: int, row: Row) -> str:
    """What a message calls a row: its file and line where it has one, else its split and number."""
    place = getattr(row, "place", "")
    return f"{split} ({place})" if place else f"{split} row {number}"


def _identity(row: Row, split: str, number: int) -> str:
    cell = row.get("id")
    return f"{split}-{number}" if cell is None or cell == "" else str(cell)

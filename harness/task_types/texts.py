"""The common part of classification, multi-label classification and regression: a text or pair, and a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.data.fields import FieldError, is_blank, text_field
from harness.data.rows import group_of
from harness.data.sampled_columns import SampledColumn, UnclearError, named_like
from harness.data.task import Example, Row, Task
from harness.task_types.contract import Column, TaskType

PAIRS = (
    ("premise", "hypothesis"), ("question", "passage"), ("question", "sentence"), ("query", "document"),
    ("query", "passage"), ("claim", "evidence"), ("headline", "body"), ("text", "pair"),
)  # fmt: skip
NUMBERED = (("1", "2"), ("a", "b"))
"""How the names of a pair may end that are alike before it, such as "sentence1" and "sentence2"."""
TEXTS = (
    "text", "sentence", "review", "comment", "content", "body", "document", "message", "tweet", "utterance", "post",
    "abstract", "description", "title", "question",
)  # fmt: skip
LABELS = (
    "label", "labels", "target", "class", "category", "sentiment", "intent", "topic", "polarity", "emotion", "stars",
    "rating", "score", "grade", "price", "tags", "y",
)  # fmt: skip
"""Names of columns, the most usual first, by which a user's columns are recognized."""

Target = int | float | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextExample(Example):
    """A text, or a pair of texts, with its target.

    Attributes:
        id: The id, unique within its split.
        text: The text, or the first of the pair.
        target: A label's index, several labels' indices, or a number.
        pair: The second text of a pair.
        group: Examples of the same group depend on each other. Empty if independent.
    """

    id: str
    text: str
    target: Target
    pair: str | None = None
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The text, or the two of a pair."""
        return (self.text,) if self.pair is None else (self.text, self.pair)

    @property
    def label_indices(self) -> tuple[int, ...]:
        """The label or labels; empty if the target is a number."""
        if isinstance(self.target, tuple):
            return self.target
        return (self.target,) if isinstance(self.target, int) else ()

    def relabelled(self, places: Mapping[int, int]) -> TextExample:
        """Return a copy with each label's index replaced."""
        moved = tuple(places[index] for index in self.label_indices)
        return replace(self, target=moved if isinstance(self.target, tuple) else moved[0])


class TextType(TaskType):
    """A task type that reads texts, or pairs of texts. Subclasses differ in their targets."""

    columns: Mapping[str, Column] = {
        "text": Column("The column of the text; give it twice for pairs.", most=2),
        "label": Column("The column of the label, or of labels."),
    }
    inputs = ("text",)
    predict_options: Mapping[str, str] = {"text": "A text; give it twice for a pair."}
    unknown_target: Target = 0

    def guess_columns(
        self, columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """Guess the column of the text, or two for a pair, and of the label among the others.

        Raises:
            UnclearError: If several columns may be the text, or the label.
        """
        if not named.keys() <= self.columns.keys():
            return None
        texts = named.get("text") or _texts(columns, without=named.get("label", ()))
        left = {name: column for name, column in columns.items() if name not in texts}
        labels = named.get("label") or (self.guessed_labels(left) if texts else ())
        if not (texts and labels):
            return None
        if "text" not in named and len(texts) == 1:
            _refuse_if_unclear({name: column for name, column in columns.items() if name not in labels}, texts[0])
        return {"text": texts, "label": labels}

    def guessed_labels(self, columns: Mapping[str, SampledColumn]) -> tuple[str, ...]:
        """Guess which column contains the label; empty if none can.

        Raises:
            UnclearError: If several columns may be the label.
        """
        called = next(named_like(columns, LABELS), None)
        if called is not None:
            return (called,)
        likely = [
            name
            for name, column in columns.items()
            if column.is_list or (not column.is_identifier and len(column.values) > 1)
        ]
        if len(likely) > 1:
            raise UnclearError("label", likely)
        return tuple(likely)

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """Convert a field of the label's column to a target.

        Raises:
            FieldError: If it is not a target.
        """
        raise NotImplementedError

    def target_of(self, task: Task, row: Row, labels: tuple[str, ...]) -> Target:
        """Return the target of a row.

        Raises:
            FieldError: If it has none.
        """
        return self.target(task, row[task.column("label")], labels)

    def example(
        self, task: Task, row: Row, identity: str, *, split: str, labels: tuple[str, ...], dropped: Counter[str]
    ) -> TextExample:
        """Convert a row to an example."""
        if "label" not in self.may_be_blank and is_blank(row[column := task.column("label")]):
            raise FieldError(f"{column}: no label (got {row[column]!r}). Fill the field, or leave the row out.")
        return self._example(task, row, identity, self.target_of(task, row, labels), group_of(task, row))

    def blank_reason(self, _role: str) -> str:
        """Say that a text or a label is missing."""
        return "without a text or a label"

    def unlabelled(self, task: Task, row: Row, identity: str) -> TextExample:
        """Convert a row to an example for prediction."""
        return self._example(task, row, identity, self.unknown_target, "")

    def pipeline_tag(self, _test_scores: Mapping[str, float]) -> str:
        """Return the Hub's pipeline tag."""
        return "text-classification"

    def _example(self, task: Task, row: Row, identity: str, target: Any, group: str) -> TextExample:
        texts = [text_field(row, column) for column in task.columns_of("text")]
        return TextExample(identity, texts[0], target, texts[1] if len(texts) > 1 else None, group)


def _may_be_text(column: SampledColumn) -> bool:
    """Return whether a column may hold texts: neither lists nor numbers or ids, nor dates or measurements."""
    return not (column.is_list or column.numbers or column.has_decimal_commas or column.is_called_identifier)


def _texts(columns: Mapping[str, SampledColumn], *, without: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a pair of texts, or of a text, by their names, or else the one with the longest fields."""
    plain = {column.plain_name: name for name, column in columns.items() if name not in without}
    pair = next((pair for pair in PAIRS if plain.keys() >= {*pair}), None) or _numbered(columns, plain)
    if pair is not None:
        return tuple(plain[name] for name in pair)
    lengths = {name: columns[name].mean_length for name in plain.values() if _may_be_text(columns[name])}
    called = next((name for name in named_like(columns, TEXTS) if lengths.get(name, 0) > 0), None)
    longest = max(lengths, key=lambda name: lengths[name], default=None)
    if called is not None or longest is None or lengths[longest] == 0:
        return () if called is None else (called,)
    return (longest,)


def _numbered(columns: Mapping[str, SampledColumn], plain: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the plain names of two texts that are alike but for the 1 and 2, or a and b, at their ends."""
    for name in plain:
        for first, second in NUMBERED:
            other = f"{name.removesuffix(first)}{second}"
            if (
                name.endswith(first)
                and other in plain
                and all(_may_be_text(columns[plain[one]]) for one in (name, other))
            ):
                return name, other
    return None


def _refuse_if_unclear(columns: Mapping[str, SampledColumn], text: str) -> None:
    """Refuse to choose a text, unless it is called "text", if others are as long, such as the other one of a pair.

    Raises:
        UnclearError: If another column holds texts at least half as long, most of them different.
    """
    if columns[text].plain_name == TEXTS[0]:
        return
    least, fields = columns[text].mean_length / 2, len(columns[text].fields)
    likely = [
        name
        for name, column in columns.items()
        if name == text
        or (column.has_several_words and column.mean_length >= least and 2 * len(column.values) > fields)
    ]
    if len(likely) > 1:
        raise UnclearError("text", likely)

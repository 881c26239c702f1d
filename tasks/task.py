"""Task: the data, its kind, and the metrics that judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Row = Mapping[str, object]
Target = int | float | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextExample:
    """A text, or a pair of texts, with what is to be predicted from it.

    Attributes:
        id: Unique within its split.
        text: The text, or the first of the pair.
        target: A label's index, several labels' indices, or a number.
        pair: The second text of a pair.
        group: Examples that share a group depend on each other (the same film, the same passage):
            they stay on one side of every split and are resampled together. Empty: independent.
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


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's text and the character of the context at which it starts."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class QuestionExample:
    """A question on a context, with the answers that count as right; none means unanswerable."""

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The question and its context."""
        return (self.question, self.context)


@dataclass(frozen=True, slots=True)
class DocumentExample:
    """A whole text, each piece of which is to be foretold from the rest."""

    id: str
    text: str
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The text."""
        return (self.text,)


Example = TextExample | QuestionExample | DocumentExample


@dataclass(frozen=True)
class Splits:
    """The examples that train, choose (validation) and judge (test) a model.

    Attributes:
        labels: The label names, in the order of the targets' indices; empty where there are none.
        dropped: How many rows were left out or mended, by reason, such as {"train rows that repeat an earlier one": 3}.
    """

    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    labels: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)


class Source(Protocol):
    """Where a task's rows come from."""

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Rows by split: always "train"; "validation" and "test" where the publisher made them."""
        ...

    def fingerprint(self) -> str:
        """What identifies the data without reading all of it, such as a Hub revision."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """One row of the registry. A missing validation or test split is carved out of train, by group.

    Attributes:
        kind: A file's name in harness/kinds: classification, multi_label, regression, question_answering or
            language_modelling.
        source: Where the rows come from.
        metrics: Names of `tasks.metrics`, the main one first.
        licence: The data's licence.
        citation: Who to cite.
        text: The column of the text, or the two columns of a pair.
        label: The column of the target.
        labels: Label names in the order of their indices; empty: taken from the training data.
        group: The column that says which rows belong together.
        question: The column of the question (question answering).
        context: The column of the context (question answering).
        answers: The column of the answers (question answering).
    """

    kind: str
    source: Source
    metrics: tuple[str, ...]
    licence: str
    citation: str
    text: tuple[str, ...] = ("text",)
    label: str = "label"
    labels: tuple[str, ...] = ()
    group: str | None = None
    question: str = "question"
    context: str = "context"
    answers: str = "answers"

    def load(self) -> Splits:
        """The task's examples: read, checked, freed of duplicates, split.

        Raises:
            UserError: Every mistake found in the data, each with its row.
        """
        from tasks.loading import load_splits  # noqa: PLC0415 -- the registry lists tasks without reading data

        return load_splits(self)

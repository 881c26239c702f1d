"""A question on a text that holds its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's text and the character of the context at which it starts; -1: it is not there."""

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

    @property
    def every_text(self) -> tuple[str, ...]:
        """The question, its context and its answers."""
        return (*self.parts, *(answer.text for answer in self.answers))

    @property
    def label_indices(self) -> tuple[int, ...]:
        """None: answers are no labels."""
        return ()

    def relabelled(self, _places: Mapping[int, int]) -> QuestionExample:
        """The same: it has no labels."""
        return self

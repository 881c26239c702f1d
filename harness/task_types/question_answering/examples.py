"""Examples of question answering."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data.task import Example


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of an answer, and the character of the context where it starts; -1 if it is not there."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class QuestionExample(Example):
    """A question about a context, with the right answers; none if it is unanswerable."""

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

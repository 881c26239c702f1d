"""Examples of multiple choice."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase

from harness.data.task import Example


@dataclass(frozen=True, slots=True)
class ChoiceExample(Example):
    """A question with its choices. A place among them is not a label, since every question has its own choices.

    Attributes:
        id: The id, unique within its split.
        texts: The question: one text, or a passage and a question about it.
        choices: The answers to choose from, at least two.
        right: The index of the right choice.
        group: Questions of the same group depend on each other. Empty if independent.
    """

    id: str
    texts: tuple[str, ...]
    choices: tuple[str, ...]
    right: int
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The passage, if there is one, and the question with its choices.

        Many questions have the same wording ("Which is true, according to the passage?") and differ only in their
        choices, so duplicates cannot be recognized by the question alone.
        """
        return (*self.texts[:-1], "\n".join((self.texts[-1], *self.choices)))

    @property
    def context(self) -> str:
        """The first of the texts, which is read before each choice."""
        return self.texts[0]

    @property
    def question(self) -> str:
        """The text directly before each choice; empty if the context is the whole question."""
        return " ".join(self.texts[1:])

    @property
    def read_choices(self) -> tuple[str, ...]:
        """Each choice as the model reads it: preceded by the question, if there are a passage and a question."""
        return tuple(f"{self.question} {choice}" if self.question else choice for choice in self.choices)


def letter(index: int) -> str:
    """Return the letter of the choice at a place.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    before, last = divmod(index, len(ascii_uppercase))
    return (letter(before - 1) if before else "") + ascii_uppercase[last]

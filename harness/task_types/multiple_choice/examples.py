"""A question with its choices, one of which is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A question with its choices.

    Attributes:
        id: Unique within its split.
        texts: What is asked: one text, or a passage and a question on it.
        choices: The answers to choose from, at least two.
        right: The index of the right one.
        group: Questions that share a group depend on each other. Empty: independent.
    """

    id: str
    texts: tuple[str, ...]
    choices: tuple[str, ...]
    right: int
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The passage, if there is one, and the question with its choices.

        Many questions are asked alike ("Which is true, according to the passage?"), and with other choices they are
        others. So the question by itself says nothing of which belong together.
        """
        return (*self.texts[:-1], "\n".join((self.texts[-1], *self.choices)))

    @property
    def every_text(self) -> tuple[str, ...]:
        """The same."""
        return self.parts

    @property
    def label_indices(self) -> tuple[int, ...]:
        """None: a place among the choices is no label, since every question has choices of its own."""
        return ()

    def relabelled(self, _places: Mapping[int, int]) -> ChoiceExample:
        """The same: it has no labels."""
        return self

    @property
    def context(self) -> str:
        """What a choice is read behind: the first of the texts."""
        return self.texts[0]

    @property
    def question(self) -> str:
        """What stands before each choice; empty where the context is all that is asked."""
        return " ".join(self.texts[1:])

    @property
    def read_choices(self) -> tuple[str, ...]:
        """Each choice as it is read: behind the question, where there are a passage and a question."""
        return tuple(f"{self.question} {choice}" if self.question else choice for choice in self.choices)


def letter(index: int) -> str:
    """What the choice at a place is called.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    before, last = divmod(index, len(ascii_uppercase))
    return (letter(before - 1) if before else "") + ascii_uppercase[last]

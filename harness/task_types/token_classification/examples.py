"""A sentence's words and their tags, and what a model says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.data.fields import FieldError, whole_text
from harness.data.written_values import NotWrittenError, written_value


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Words, each with a tag.

    Attributes:
        id: Unique within its split.
        words: As the data splits them.
        tags: A label's index per word.
        group: Sentences of one document depend on each other. Empty: independent.
        text: What the words were taken from; empty where that is unknown.
        offsets: The characters [start, end) of `text` that each word covers; empty where it is unknown.
    """

    id: str
    words: tuple[str, ...]
    tags: tuple[int, ...]
    group: str = ""
    text: str = ""
    offsets: tuple[tuple[int, int], ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The words as one text."""
        return (" ".join(self.words),)

    @property
    def every_text(self) -> tuple[str, ...]:
        """The same."""
        return self.parts

    @property
    def label_indices(self) -> tuple[int, ...]:
        """The tags that occur in it, each once."""
        return tuple(sorted(set(self.tags)))

    def relabelled(self, places: Mapping[int, int]) -> TaggedSentence:
        """The same with each tag's index replaced."""
        return replace(self, tags=tuple(places[tag] for tag in self.tags))


@dataclass(frozen=True, slots=True)
class Tagging:
    """What is predicted of a sentence.

    Attributes:
        tags: A label's index per word.
        scores: The probability of each of these tags.
    """

    tags: tuple[int, ...]
    scores: tuple[float, ...]


def items_of(field: object, kinds: tuple[type, ...] = (str, int)) -> Sequence[object] | None:
    """The items of a list, or of text with blanks between them; None for any other field.

    Args:
        field: A list as JSON, Python or numpy writes it, as in a csv file, is one too.
        kinds: What such a list may hold; a sentence in brackets is none.
    """
    if isinstance(field, str):
        listed = _listed(field, kinds)
        return field.split() if listed is None else listed
    return field if isinstance(field, list | tuple) else None


def _listed(text: str, kinds: tuple[type, ...]) -> list[object] | None:
    """The items of a list that is written in a text; None where it is something else."""
    try:
        found = written_value(text)
    except NotWrittenError:
        return None
    return found if isinstance(found, list) and all(isinstance(item, kinds) for item in found) else None


def words_of(field: object, column: str) -> tuple[str, ...]:
    """The words in a field.

    Raises:
        FieldError: It holds something else.
    """
    items = items_of(field, (str,))
    words = tuple(item for item in items or () if isinstance(item, str))
    if items is None or len(words) != len(items):
        raise FieldError(f"{column}: not a list of words (got {field!r}). Give a list, or text with blanks between.")
    whole_text(" ".join(words), column)
    return words

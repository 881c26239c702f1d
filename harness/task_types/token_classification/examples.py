"""Sentences of tagged words, and predicted tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.data.fields import FieldError, whole_text
from harness.data.task import Example
from harness.data.written_values import NotWrittenError, written_value


@dataclass(frozen=True, slots=True)
class TaggedSentence(Example):
    """A sentence of words, each with a tag.

    Attributes:
        id: The id, unique within its split.
        words: The words, as split in the data.
        tags: A label's index per word.
        group: Sentences of the same document depend on each other. Empty if independent.
        text: The text of the sentence; empty if unknown.
        offsets: The characters [start, end) of `text` that each word covers; empty if unknown.
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
    def label_indices(self) -> tuple[int, ...]:
        """The distinct tags of the sentence."""
        return tuple(sorted(set(self.tags)))

    def relabelled(self, places: Mapping[int, int]) -> TaggedSentence:
        """Return a copy with each tag's index replaced."""
        return replace(self, tags=tuple(places[tag] for tag in self.tags))


@dataclass(frozen=True, slots=True)
class Tagging:
    """The predicted tags of a sentence.

    Attributes:
        tags: A label's index per word.
        scores: The probability of each of these tags.
    """

    tags: tuple[int, ...]
    scores: tuple[float, ...]


def items_of(field: object, kinds: tuple[type, ...] = (str, int)) -> Sequence[object] | None:
    """Return the items of a list, or of text with blanks between them; None for any other field.

    Args:
        field: The field. Text that spells a list in JSON, Python or numpy, as in a CSV file, is a list.
        kinds: The types of items in such text; a sentence in brackets is not a list.
    """
    if isinstance(field, str):
        listed = _listed(field, kinds)
        return field.split() if listed is None else listed
    return field if isinstance(field, list | tuple) else None


def _listed(text: str, kinds: tuple[type, ...]) -> list[object] | None:
    """Return the items of a list written as text; None if it is something else."""
    try:
        found = written_value(text)
    except NotWrittenError:
        return None
    return found if isinstance(found, list) and all(isinstance(item, kinds) for item in found) else None


def words_of(field: object, column: str) -> tuple[str, ...]:
    """Return the words in a field.

    Raises:
        FieldError: If it is not a list of words.
    """
    items = items_of(field, (str,))
    words = tuple(item for item in items or () if isinstance(item, str))
    if items is None or len(words) != len(items):
        raise FieldError(
            f"{column}: not a list of words (got {field!r:.100}). Give a list, or text with blanks between."
        )
    whole_text(" ".join(words), column)
    return words

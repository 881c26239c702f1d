"""Stretches of a text, in characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

# A sentence ends after . ! ? … or their full-width kin, with closing quotes and brackets, where white space follows;
# full-width marks need none. A line's end ends it too.
_SENTENCE_END = re.compile(r"""(?<=[.!?…])["'”’»)\]]*\s+|(?<=[。！？])["”’」』）]*\s*|\s*\n\s*""")


@dataclass(frozen=True, slots=True)
class Span:
    """A predicted answer.

    Attributes:
        start: Its first character in the context; -1: no answer.
        end: The character behind its last one; -1: no answer.
        score: How sure the model is of it, in the model's own unit.
        no_answer_score: How sure it is, in the same unit, that the context holds none.
    """

    start: int
    end: int
    score: float
    no_answer_score: float


def sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence of `text` starts and ends, without the white space around it; none for a blank text.

    Rules of thumb on punctuation, for any language that uses it: an abbreviation may end a sentence too early.

    >>> text = "Who came? He did."
    >>> [text[start:end] for start, end in sentences(text)]
    ['Who came?', 'He did.']
    """
    cuts = [0, *(_cut(found) for found in _SENTENCE_END.finditer(text)), len(text)]
    stretches = (_trimmed(text, start, end) for start, end in pairwise(cuts))
    return [(start, end) for start, end in stretches if start < end]


def _cut(found: re.Match[str]) -> int:
    """Behind the closing quotes and brackets, before the white space."""
    return found.start() + len(found.group().rstrip())


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    inside = text[start:end]
    first = start + len(inside) - len(inside.lstrip())
    return first, first + len(inside.strip())

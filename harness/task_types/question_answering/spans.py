"""Stretches of a text, in characters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

# A sentence ends after . ! ? … or their full-width kin, with closing quotes and brackets, where white space follows;
# full-width marks need none. A line's end ends it too.
_SENTENCE_END = re.compile(r"""(?<=[.!?…])["'”’»)\]]*\s+|(?<=[。！？])["”’」』）]*\s*|\s*\n\s*""")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several answers to a question: the characters [start, end), -1 for no answer, and its two logits."""

    start: int
    end: int
    start_logit: float
    end_logit: float

    @property
    def score(self) -> float:
        """How sure the model is of it."""
        return self.start_logit + self.end_logit


@dataclass(frozen=True, slots=True)
class Span:
    """A predicted answer.

    Attributes:
        start: Its first character in the context; -1: no answer.
        end: The character behind its last one; -1: no answer.
        score: How sure the model is of it, in the model's own unit.
        no_answer_score: How sure it is, in the same unit, that the context holds none.
        candidates: The best answers, the best first, where several are asked for.
        no_answer: That there is none, likewise.
    """

    start: int
    end: int
    score: float
    no_answer_score: float
    candidates: tuple[Candidate, ...] = ()
    no_answer: Candidate | None = None


def tidied(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters [start, end) of `text` without white space at their ends, which some tokenizers count to a token.

    The marks of the letters are there whole.
    """
    return (start, end) if start < 0 else whole_letters(text, *_trimmed(text, start, end))


def whole_letters(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters [start, end) of `text`, with the marks of their letters: accents, vowel signs.

    Tokens may end between a letter and its marks, or leave the marks out.

    >>> whole_letters("le cafe\u0301 noir", 3, 7)
    (3, 8)
    """
    while 0 < start < end and _is_mark(text[start]):
        start -= 1
    while start < end < len(text) and _is_mark(text[end]):
        end += 1
    return start, end


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


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

"""Spans of a text, in characters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

# A sentence ends after . ! ? … or their full-width variants, with closing quotes and brackets, if white space follows.
# Full-width marks need none. A line break also ends a sentence.
_SENTENCE_END = re.compile(r"""(?<=[.!?…])["'”’»)\]]*\s+|(?<=[。！？])["”’」』）]*\s*|\s*\n\s*""")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several answers to a question: characters [start, end), -1 if there is no answer, and its two logits."""

    start: int
    end: int
    start_logit: float
    end_logit: float

    @property
    def score(self) -> float:
        """The score of the answer: the sum of its logits."""
        return self.start_logit + self.end_logit


@dataclass(frozen=True, slots=True)
class Span:
    """A predicted answer.

    Attributes:
        start: The first character in the context; -1 if there is no answer.
        end: The character after the last one; -1 if there is no answer.
        score: The score of the answer, in the model's own unit.
        no_answer_score: The score of "no answer", in the same unit.
        candidates: The best answers, best first, if several are requested.
        no_answer: "No answer" as a candidate, if several are requested.
    """

    start: int
    end: int
    score: float
    no_answer_score: float
    candidates: tuple[Candidate, ...] = ()
    no_answer: Candidate | None = None


def tidied(text: str, start: int, end: int) -> tuple[int, int]:
    """Strip white space, which may be part of tokens, from the ends of the characters [start, end) of `text`.

    Letters keep their marks.
    """
    return (start, end) if start < 0 else whole_letters(text, *_trimmed(text, start, end))


def whole_letters(text: str, start: int, end: int) -> tuple[int, int]:
    """Extend the characters [start, end) of `text` by the marks of their letters, such as accents and vowel signs.

    Tokens may end between a letter and its marks, or skip the marks.

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
    """Return the start and end of each sentence of `text`, without surrounding white space; empty for a blank text.

    A heuristic by punctuation, for any language that uses it. An abbreviation may end a sentence too early.

    >>> text = "Who came? He did."
    >>> [text[start:end] for start, end in sentences(text)]
    ['Who came?', 'He did.']
    """
    cuts = [0, *(_cut(found) for found in _SENTENCE_END.finditer(text)), len(text)]
    stretches = (_trimmed(text, start, end) for start, end in pairwise(cuts))
    return [(start, end) for start, end in stretches if start < end]


def _cut(found: re.Match[str]) -> int:
    """Return the position after closing quotes and brackets, before white space."""
    return found.start() + len(found.group().rstrip())


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    inside = text[start:end]
    first = start + len(inside) - len(inside.lstrip())
    return first, first + len(inside.strip())

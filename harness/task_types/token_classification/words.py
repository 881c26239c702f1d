"""Split raw text into words, for a model that was trained on words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# A number with inner punctuation (3.5, 12:30, 23,000), letters with inner hyphens and apostrophes (O'Neill,
# well-known), or any other single character. Close to the splitting of newswire, but independent of the language: U.S.
# becomes four words. Marks belong to their letter (é as e and an accent, the vowel signs of Hindi and Thai), and so do
# joiners.
_MARK, _JOINERS = "\ue000", "\u200c\u200d"
_WORD = re.compile(r"\d+(?:[.,:/]\d+)+M*|[\wM]+(?:[-'’][\wM]+)*|\SM*".replace("M", _MARK))


def split_words(text: str) -> list[str]:
    """Split a text into words and punctuation.

    >>> split_words("Angela Merkel didn't pay $3.50 on 1996-08-22.")
    ['Angela', 'Merkel', "didn't", 'pay', '$', '3.50', 'on', '1996-08-22', '.']
    """
    without_marks = "".join(_MARK if _is_mark(character) else character for character in text)
    return [text[slice(*found.span())] for found in _WORD.finditer(without_marks)]


def _is_mark(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character).startswith("M")


def places_of(words: Sequence[str], text: str) -> tuple[tuple[int, int], ...]:
    """Return the characters [start, end) of `text` for each word, in order; empty if a word is missing."""
    places: list[tuple[int, int]] = []
    stop = 0
    for word in words:
        start = text.find(word, stop)
        if start < 0:
            return ()
        stop = start + len(word)
        places.append((start, stop))
    return tuple(places)

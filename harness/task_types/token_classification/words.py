"""Split raw text into words, for a model that was trained on words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# A number with inner punctuation (3.5, 12:30, 23,000), letters with inner hyphens and apostrophes (O'Neill,
# well-known), or any other single character. Close to the splitting of newswire, but independent of the language: U.S.
# becomes four words. Marks belong to their letter (é as e and an accent, the vowel signs of Hindi and Thai), and so do
# joiners. Each Chinese character is a word, as in the data sets of Chinese entities.
_MARK, _JOINERS = "\ue000", "\u200c\u200d"
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"[^\W{_CHINESE}]"
_WORD = re.compile(r"\d+(?:[.,:/]\d+)+M*|(?:L|M)+(?:[-'’](?:L|M)+)*|\SM*".replace("M", _MARK).replace("L", _LETTER))


def split_words(text: str) -> list[str]:
    """Split a text into words and punctuation.

    >>> split_words("Angela Merkel didn't pay $3.50 on 1996-08-22.")
    ['Angela', 'Merkel', "didn't", 'pay', '$', '3.50', 'on', '1996-08-22', '.']
    >>> split_words("李娜在 Roland-Garros 夺冠。")
    ['李', '娜', '在', 'Roland-Garros', '夺', '冠', '。']
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

"""From raw text to words, for a model that was trained on words."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A number with its inner signs (3.5, 12:30, 23,000), letters with inner hyphens and apostrophes (O'Neill, well-known),
# or any other sign alone. Close to how newswire is split, but it knows no language: U.S. becomes four words.
_WORD = re.compile(r"\d+(?:[.,:/]\d+)+|\w+(?:[-'’]\w+)*|\S")


def split_words(text: str) -> list[str]:
    """The words and signs of a text.

    >>> split_words("Angela Merkel didn't pay $3.50 on 1996-08-22.")
    ['Angela', 'Merkel', "didn't", 'pay', '$', '3.50', 'on', '1996-08-22', '.']
    """
    return _WORD.findall(text)


def places_of(words: Sequence[str], text: str) -> tuple[tuple[int, int], ...]:
    """The characters [start, end) of `text` that each word covers, one after the other; none where one is not there."""
    places: list[tuple[int, int]] = []
    stop = 0
    for word in words:
        start = text.find(word, stop)
        if start < 0:
            return ()
        stop = start + len(word)
        places.append((start, stop))
    return tuple(places)

"""Light cleaning of documents, and a lossless split into sentences."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

WORDS_WITHOUT_AN_END = 60
# Control characters except tabs and line ends, zero-width spaces, byte order marks, and surrogates (not in UTF-8).
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\ufeff\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n?|\u2028|\u2029")
_BLANKS = re.compile(r"[ \t\u00a0]+")
_EMPTY_LINES = re.compile(r" ?\n ?(?:\n ?)+")
# A sentence ends before a line end, and after a stop (and closing quotes) that blanks and a capital or digit follow.
_END = re.compile(r"[.!?][\"'”’)\]]*(?=\s+[\"'“‘(\[]?[A-Z0-9])|\n+")
_LONG = re.compile(rf"(?:\s*+\S++){{{WORDS_WITHOUT_AN_END}}}")  # Possessive: backtracking never ends on a long piece.


def cleaned(text: str) -> str:
    r"""Normalise to NFC, remove control characters, and collapse runs of blanks and of empty lines to one.

    >>> cleaned("A\u0301  b\r\n\r\n\r\nc\x00 ")
    'Á b\n\nc'
    """
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text))
    text = _BLANKS.sub(" ", _CONTROLS.sub("", text))
    return _EMPTY_LINES.sub("\n\n", text).replace(" \n", "\n").replace("\n ", "\n").strip()


def sentences(text: str) -> list[str]:
    r"""Split a text into sentences, each with the blanks before it: concatenated, they are the text again.

    Stretches without a sentence end (lists, posts without punctuation) are cut every sixty words.

    >>> sentences("He came. She\nwent? 3.5 km")
    ['He came.', ' She', '\nwent?', ' 3.5 km']
    """
    ends = [match.start() if text[match.start()] == "\n" else match.end() for match in _END.finditer(text)]
    starts = [0, *(end for end in ends if 0 < end < len(text))]
    pieces = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [part for piece in pieces for part in _of_bearable_length(piece) if part]


def _of_bearable_length(sentence: str) -> list[str]:
    if len(sentence.split()) <= WORDS_WITHOUT_AN_END:
        return [sentence]
    cuts: list[int] = []
    while match := _LONG.match(sentence, cuts[-1] if cuts else 0):
        cuts.append(match.end())
    bounds = [0, *(cut for cut in cuts if cut < len(sentence)), len(sentence)]
    return [sentence[start:end] for start, end in pairwise(bounds)]

"""Align tokens with their text, for tokenizers that normalise text without reporting offsets.

Text and tokens are normalised alike: case is folded, quotes and dashes of all kinds are unified, white space and
accents are removed. Both strings are then followed in parallel. Where they differ, the nearest position from which they
agree again is found, and the part in between is compared separately. A token gets exactly the characters that spell it;
any other token gets an empty range at its approximate position. So a range may be missing, but not wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

Range = tuple[int, int]  # characters [start, end)

_DOUBLE, _SINGLE = "''", "'"  # A double quote may be written as one character or as two.
_QUOTES = {**dict.fromkeys('"“”„‟«»', _DOUBLE), **dict.fromkeys("'`´‘’‚‛‹›", _SINGLE)}
# Marks that tokenizers add: "@-@" for a dash within a word (Moses), "##ing", "low@@ er", "</w>", "▁a".
_MARKED = re.compile(r"@(?P<sign>[-,./])@|(?:##)?▁*(?P<word>.+?)(?:@@|</w>)?", re.DOTALL)
# How far to search, and how many letters must agree for the strings to be in step again: short matches are frequent by
# chance over long distances, but not over short ones.
_REACHES = ((16, 4), (64, 8), (256, 12), (1024, 16), (4096, 16), (16384, 16), (65536, 16))
_COMPARED = 32  # Maximum length of a span that is compared letter by letter, in quadratic time.


def aligned(text: str, tokens: Sequence[str]) -> list[Range]:
    """Return the characters of `text` that each of its tokens covers, in ascending order.

    Takes time proportional to the text's length.

    >>> aligned("It’s 23,000 – “now”", ["it", "'s", "23", "@,@", "000", "-", '"', "now", '"'])
    [(0, 2), (2, 4), (5, 7), (7, 8), (8, 11), (12, 13), (14, 15), (15, 18), (18, 19)]
    >>> aligned("in 東京 now", ["in", "<unk>", "now"])  # Within the characters 2 to 6, and nothing is known of where.
    [(0, 2), (4, 4), (6, 9)]
    """
    spelled = _spelled(text)
    # Pretokenised text, such as WikiText, contains the marks itself.
    words_of = {token: _letters(token if token in text else _unmarked(token)) for token in set(tokens)}
    words = [words_of[token] for token in tokens]
    places = _places(spelled.letters, "".join(words))
    placed = set(places)
    found: list[Range | None] = []
    stop = 0
    for word in words:
        start, stop = stop, stop + len(word)
        found.append(_covered(text, spelled, places[start:stop], placed))
    return _filled(found, len(text))


@dataclass(frozen=True, slots=True)
class _Spelled:
    """The normalised letters of a text, with the characters that each of them represents."""

    letters: str
    starts: list[int]
    ends: list[int]


def _spelled(text: str) -> _Spelled:
    """Normalise a text. An accent belongs to the character before it."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, character in enumerate(text):
        spelling = _spelling(character)
        if spelling:
            letters.append(spelling)
            starts += [place] * len(spelling)
            ends += [place + 1] * len(spelling)
        elif starts and ends[-1] == place and unicodedata.category(character) in ("Mn", "Me"):
            ends[-1] = place + 1  # No token ends with an earlier letter of the same character.
    return _Spelled("".join(letters), starts, ends)


def _letters(token: str) -> str:
    return "".join(map(_spelling, token))


@lru_cache(maxsize=65536)
def _spelling(character: str) -> str:
    """Normalise a character; the result is empty for white space, control characters and accents."""
    if character in _QUOTES:
        return _QUOTES[character]
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(_kept(part) for part in folded)


def _kept(part: str) -> str:
    category = unicodedata.category(part)
    if category == "Pd" or part == "−":
        return "-"
    return "" if category[0] in "ZC" or category in ("Mn", "Me") else part


def _unmarked(token: str) -> str:
    found = _MARKED.fullmatch(token)
    return (found["sign"] or found["word"]) if found else token


def _places(letters: str, words: str) -> list[int]:
    """Return for each letter of the tokens its index among the text's letters, or -1."""
    places: list[int] = []
    at = 0
    while at < len(letters) and len(places) < len(words):
        if letters[at] == words[len(places)]:
            places.append(at)
            at += 1
            continue
        skipped, unplaced = _next_agreement(letters, at, words, len(places))
        inside = words[len(places) : len(places) + unplaced]
        places += _compared(letters[at : at + skipped], inside, at)
        at += skipped
    return places + [-1] * (len(words) - len(places))


def _next_agreement(letters: str, at: int, words: str, place: int) -> tuple[int, int]:
    """Return how many letters of text and tokens to skip until they agree again; all if they never do."""
    left, right = len(letters) - at, len(words) - place
    for reach, length in _REACHES:
        theirs = _once(letters[at : at + reach + length - 1], length)
        ours = _once(words[place : place + reach + length - 1], length)
        met = [(skipped + ours[run], skipped) for run, skipped in theirs.items() if run in ours]
        if met:
            steps, skipped = min(met)
            return skipped, steps - skipped
        if reach >= max(left, right):
            break
    return left, right


def _once(letters: str, length: int) -> dict[str, int]:
    """Return the start of each run of `length` letters that occurs exactly once."""
    found: dict[str, int] = {}
    for start in range(len(letters) - length + 1):
        run = letters[start : start + length]
        found[run] = -1 if run in found else start
    return {run: start for run, start in found.items() if start >= 0}


def _compared(letters: str, words: str, at: int) -> list[int]:
    """Locate `words`, letters of a span of tokens, in `letters`, a span of the text's letters that starts at `at`."""
    places = [-1] * len(words)
    if max(len(letters), len(words)) <= _COMPARED:
        for block in SequenceMatcher(None, letters, words).get_matching_blocks():
            run = letters[block.a : block.a + block.size]
            if letters.count(run) == words.count(run) == 1:
                places[block.b : block.b + block.size] = range(at + block.a, at + block.a + block.size)
    return places


def _covered(text: str, spelled: _Spelled, places: Sequence[int], placed: set[int]) -> Range | None:
    """Return the characters of a token whose letters are at `places`, or None if they do not spell exactly the token.

    A token does not contain white space, and is not a part of a word whose other part belongs to no token.
    """
    if not places or places[0] < 0 or list(places) != list(range(places[0], places[0] + len(places))):
        return None
    start, end = spelled.starts[places[0]], spelled.ends[places[-1]]
    if any(map(str.isspace, text[start:end])):
        return None
    before, after = places[0] - 1, places[-1] + 1
    if before >= 0 and spelled.ends[before] > start - _joined(text, start, before not in placed):
        return None
    if after < len(spelled.letters) and spelled.starts[after] < end + _joined(text, end, after not in placed):
        return None
    return start, end


def _joined(text: str, cut: int, lost: bool) -> bool:
    """Whether a cut before this character splits a word of which the other part is lost."""
    return lost and text[cut - 1 : cut + 1].isalnum()


def _filled(found: Sequence[Range | None], length: int) -> list[Range]:
    """Replace missing ranges by empty ones, spread evenly between their neighbours."""
    ranges: list[Range] = []
    for count, known in _runs(found):
        start = ranges[-1][1] if ranges else 0
        room = (length if known is None else known[0]) - start
        ranges += [(place, place) for place in (start + room * (2 * n + 1) // (2 * count) for n in range(count))]
        if known is not None:
            ranges.append(known)
    return ranges


def _runs(found: Sequence[Range | None]) -> Iterator[tuple[int, Range | None]]:
    """Yield the number of missing ranges before each known one, and before the end."""
    missing = 0
    for known in found:
        if known is None:
            missing += 1
        else:
            yield missing, known
            missing = 0
    yield missing, None

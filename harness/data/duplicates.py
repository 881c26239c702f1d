"""Find duplicates and near-duplicates of texts.

Source: overlap of word shingles and their containment, Broder 1997, "On the resemblance and containment of documents".
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from harness.data.scripts import UNSPACED, count_unspaced

SHINGLE_WORDS = 8
CONTAINMENT = 0.5
LEAST_SHINGLES = 8
LEAST_TELLING_WORDS = 8
# A shingle in more texts than this is a formula of the genre ("shr cts vs cts net vs"), and counts between neighbours
# only: true copies share most of their shingles, so that they are neighbours for all of these.
MOST_SHARERS = 8
# A cluster with a larger fraction of the distinct texts, and more than `MOST_SHARERS`, is not a set of copies: many
# texts share a passage, such as a footer, a template or a disclaimer, which says nothing about pairs of them.
LARGEST_SHARE = 0.01
# Texts that consist of common passages are copies if they differ in at most this many words.
CHANGED_WORDS = 2
CHANGED_SHARE = 0.01
_WORD = re.compile(r"\w+")
# In scripts without blanks between words, each character is compared as a word.
_COMPARED = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")


@lru_cache(maxsize=1024)  # consecutive questions often have the same context
def normalised(text: str) -> str:
    r"""Normalize case, spacing and Unicode form of a text.

    >>> normalised("Ｇood\n  FILM")
    'good film'
    """
    return _normalised(text)


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def near_duplicates(texts: Sequence[str], *, exact_only: bool = False) -> list[int]:
    """Assign each text to a cluster of equal or nearly equal texts.

    Two texts are joined if they are equal after normalization, if their words are equal (for eight words or more), or
    if at least half of the eight-word shingles of the shorter one are in the other (for eight shingles or more;
    shingles in more than eight texts have little effect). In scripts without blanks between words, such as Chinese,
    each character counts as a word.

    If this makes a cluster of more than a hundredth of the distinct texts, and of more than eight, then passages in
    more than eight texts are ignored. Texts that consist of these are joined if they differ in at most two words, or in
    one of a hundred.

    Args:
        texts: The texts.
        exact_only: Whether to skip shingles, for very large data sets.

    Returns:
        Cluster numbers, equal within a cluster: the index of the cluster's first text.
    """
    first: dict[str, int] = {}
    keys = {text: _key(text) for text in set(texts)}
    clusters = Clusters(len(texts))
    for place, text in enumerate(texts):
        clusters.join(place, first.setdefault(keys[text], place))
    if not exact_only:
        kept = sorted(first.values())
        for one, other in _near_pairs([_compared_words(texts[place]) for place in kept]):
            clusters.join(kept[one], kept[other])
    return [clusters.root(place) for place in range(len(texts))]


def normalised_words(text: str) -> list[str]:
    """Return the words of a text, normalized in case and Unicode form."""
    return _WORD.findall(_normalised(text))


def is_telling(text: str) -> bool:
    """Return whether a part of a pair says something about its origin, unlike "Yes.": by eight words.

    In scripts without blanks between words, two characters count as a word.
    """
    words = len(text.split())
    return words >= LEAST_TELLING_WORDS or words + count_unspaced(text) / 2 > LEAST_TELLING_WORDS


def compared_characters(text: str) -> int:
    """Return the length of a text that takes as long to compare, if words have five characters and a blank."""
    return len(text) + 5 * count_unspaced(text)


def _compared_words(text: str) -> list[str]:
    return _COMPARED.findall(_normalised(text))


def _key(text: str) -> str:
    """Return a key that equal texts share. A short text keeps its punctuation, which may be all that it has."""
    words = _compared_words(text)
    return " ".join(words) if len(words) >= SHINGLE_WORDS else normalised(text)


class Clusters:
    """A partition of 0..size-1, at first into single items (union-find)."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def root(self, item: int) -> int:
        """Return the smallest member of the item's cluster."""
        while self._parents[item] != item:
            self._parents[item] = self._parents[self._parents[item]]
            item = self._parents[item]
        return item

    def join(self, one: int, other: int) -> None:
        """Join the clusters of two items."""
        low, high = sorted((self.root(one), self.root(other)))
        self._parents[high] = low


def _near_pairs(texts: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Return pairs of nearly equal texts, given as words."""
    words = _Words.of(texts)
    pairs = list(_sharing_half(words))
    clusters = Clusters(len(texts))
    for one, other in pairs:
        clusters.join(one, other)
    largest = max(Counter(map(clusters.root, range(len(texts)))).values(), default=0)
    most = max(MOST_SHARERS, LARGEST_SHARE * len(texts))
    return pairs if largest <= most else list(_near_pairs_but_for_passages_of_many(texts, words))


def _near_pairs_but_for_passages_of_many(texts: Sequence[Sequence[str]], words: _Words) -> Iterator[tuple[int, int]]:
    formulaic = words.in_passages_of_many()
    yield from _sharing_half(words.only(~formulaic))
    mostly = 2 * words.counted(formulaic) >= words.counted()
    for one, other in _sharing_half(words.only(mostly[words.owners])):
        if _differ_in_few_words(texts[one], texts[other]):
            yield one, other


def _differ_in_few_words(one: Sequence[str], other: Sequence[str]) -> bool:
    longer, shorter = sorted((one, other), key=len, reverse=True)
    changed = (Counter(longer) - Counter(shorter)).total()
    return changed <= max(CHANGED_WORDS, CHANGED_SHARE * len(longer))


@dataclass(frozen=True)
class _Words:
    """The words of all texts, concatenated.

    Attributes:
        codes: The code of each word [words]: a random 63-bit number, the same for equal words.
        owners: The index of each word's text [words].
        texts: The number of texts.
    """

    codes: Any
    owners: Any
    texts: int

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]]) -> _Words:
        """Encode the words of `texts`."""
        numbers: dict[str, int] = {}
        words = np.array([numbers.setdefault(word, len(numbers)) for text in texts for word in text], dtype=np.int64)
        owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
        scattered = np.random.default_rng(0).integers(2**63, size=max(len(numbers), 1), dtype=np.uint64)
        return cls(scattered[words], owners, len(texts))

    def only(self, kept: Any) -> _Words:
        """Return the words for which `kept` [words] is true."""
        return _Words(self.codes[kept], self.owners[kept], self.texts)

    def counted(self, those: Any = slice(None)) -> Any:
        """Count the words, or `those` words [words], of each text [texts]."""
        return np.bincount(self.owners[those], minlength=self.texts)

    def shingles(self) -> tuple[Any, Any]:
        """Return the position of each shingle's first word, and the shingle's hash: two arrays of the same length."""
        places = max(len(self.codes) - SHINGLE_WORDS + 1, 0)
        hashes = np.zeros(places, dtype=np.uint64)
        for offset in range(SHINGLE_WORDS):
            hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + self.codes[offset : offset + places]  # wraps at 2**64
        last = self.owners[SHINGLE_WORDS - 1 :]
        starts = np.flatnonzero(self.owners[:places] == last)
        return starts, hashes[starts]

    def distinct_shingles(self) -> tuple[Any, Any]:
        """Return each text's distinct shingles: sorted hashes and the texts, as two arrays of the same length."""
        starts, hashes = self.shingles()
        owners = self.owners[starts]
        order = np.lexsort((owners, hashes))
        hashes, owners = hashes[order], owners[order]
        new = np.ones(len(hashes), dtype=bool)
        new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
        return hashes[new], owners[new]

    def in_passages_of_many(self) -> Any:
        """Return whether each word [words] is in a shingle that more than `MOST_SHARERS` texts have."""
        hashes, counts = np.unique(self.distinct_shingles()[0], return_counts=True)
        common = hashes[counts > MOST_SHARERS]
        found = np.zeros(len(self.codes), dtype=bool)
        if len(common):
            starts, shingles = self.shingles()
            first = starts[np.isin(shingles, common)]
            for offset in range(SHINGLE_WORDS):
                found[first + offset] = True
        return found


def _sharing_half(words: _Words) -> Iterator[tuple[int, int]]:
    """Yield pairs of texts that share at least half of the shorter one's shingles."""
    shingles, owners = words.distinct_shingles()
    sizes = np.bincount(owners, minlength=words.texts)
    codes, shared = np.unique(_sharing_pairs(shingles, owners, words.texts), return_counts=True)
    one, other = np.divmod(codes, max(words.texts, 1))
    smaller = np.minimum(sizes[one], sizes[other])
    near = (smaller >= LEAST_SHINGLES) & (shared >= CONTAINMENT * smaller)
    yield from zip(one[near].tolist(), other[near].tolist(), strict=True)


def _sharing_pairs(shingles: Any, owners: Any, size: int) -> Any:
    """Return a code (one * size + other) for every pair of texts and every shingle that both have."""
    _, counts = np.unique(shingles, return_counts=True)
    sharers = np.repeat(counts, counts)
    codes = [np.empty(0, dtype=np.int64)]
    for distance in range(1, MOST_SHARERS):
        same = (shingles[distance:] == shingles[:-distance]) & ((sharers[distance:] <= MOST_SHARERS) | (distance == 1))
        codes.append(owners[:-distance][same] * size + owners[distance:][same])
    return np.concatenate(codes)

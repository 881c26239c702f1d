"""Which texts are the same, or nearly so.

Source: overlap of word shingles and their containment, Broder 1997, "On the resemblance and containment of documents".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

SHINGLE_WORDS = 8
CONTAINMENT = 0.5
LEAST_SHINGLES = 8
# A shingle of more texts than this is a formula of their kind ("shr cts vs cts net vs") and counts between neighbours
# only: true copies share the most of their shingles, so that their neighbours are the same ones all along.
MOST_SHARERS = 8
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=1024)  # many questions in a row have one context
def normalised(text: str) -> str:
    r"""The text without differences of case, spacing and Unicode form.

    >>> normalised("Ｇood\n  FILM")
    'good film'
    """
    return _normalised(text)


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def near_duplicates(texts: Sequence[str], *, exact_only: bool = False) -> list[int]:
    """A cluster's number for each text; texts of one cluster are the same or nearly so.

    Two texts are joined when they are equal once normalised, when their words are equal (from eight words on),
    or when at least half of the eight-word shingles of the shorter one are in the other (from eight shingles on;
    shingles that more than eight texts have count for little).

    Args:
        texts: The texts.
        exact_only: Leave the shingles out, for very large sets.

    Returns:
        Cluster numbers, equal for texts of one cluster; the number is the place of the cluster's first text.
    """
    first: dict[str, int] = {}
    keys = {text: _key(text) for text in set(texts)}
    clusters = Clusters(len(texts))
    for place, text in enumerate(texts):
        clusters.join(place, first.setdefault(keys[text], place))
    if not exact_only:
        kept = sorted(first.values())
        for one, other in _containing_pairs([normalised_words(texts[place]) for place in kept]):
            clusters.join(kept[one], kept[other])
    return [clusters.root(place) for place in range(len(texts))]


def normalised_words(text: str) -> list[str]:
    """The text's words, without differences of case and Unicode form."""
    return _WORD.findall(_normalised(text))


def _key(text: str) -> str:
    """What texts that are the same have in common. A short text's punctuation counts: it may be all there is."""
    words = normalised_words(text)
    return " ".join(words) if len(words) >= SHINGLE_WORDS else normalised(text)


class Clusters:
    """A partition of 0..size-1 that starts with everyone alone (union-find)."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def root(self, item: int) -> int:
        """The smallest member of the item's cluster."""
        while self._parents[item] != item:
            self._parents[item] = self._parents[self._parents[item]]
            item = self._parents[item]
        return item

    def join(self, one: int, other: int) -> None:
        """Make one cluster of two items' clusters."""
        low, high = sorted((self.root(one), self.root(other)))
        self._parents[high] = low


def _containing_pairs(texts: Sequence[Sequence[str]]) -> Iterable[tuple[int, int]]:
    """Pairs of texts of which the shorter one's shingles are mostly in the other."""
    import numpy as np  # noqa: PLC0415 -- listing tasks needs no numpy

    shingles, owners = _shingles(texts)
    sizes = np.bincount(owners, minlength=len(texts))
    pairs = _sharing_pairs(shingles, owners, len(texts))
    codes, shared = np.unique(pairs, return_counts=True)
    one, other = np.divmod(codes, max(len(texts), 1))
    smaller = np.minimum(sizes[one], sizes[other])
    near = (smaller >= LEAST_SHINGLES) & (shared >= CONTAINMENT * smaller)
    return zip(one[near].tolist(), other[near].tolist(), strict=True)


def _shingles(texts: Sequence[Sequence[str]]) -> tuple[Any, Any]:
    """Every distinct shingle's hash, sorted, and the text that it is in: two arrays of one length."""
    import numpy as np  # noqa: PLC0415

    numbers: dict[str, int] = {}
    words = np.array([numbers.setdefault(word, len(numbers)) for text in texts for word in text], dtype=np.uint64)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    if len(words) < SHINGLE_WORDS:
        return words[:0], owners[:0]
    scattered = np.random.default_rng(0).integers(2**63, size=max(len(numbers), 1), dtype=np.uint64)[words]
    places = len(words) - SHINGLE_WORDS + 1
    hashes = np.zeros(places, dtype=np.uint64)
    for offset in range(SHINGLE_WORDS):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + scattered[offset : offset + places]  # wraps at 2**64
    within = owners[:places] == owners[SHINGLE_WORDS - 1 :]
    hashes, owners = hashes[within], owners[:places][within]
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    new = np.ones(len(hashes), dtype=bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return hashes[new], owners[new]


def _sharing_pairs(shingles: Any, owners: Any, size: int) -> Any:
    """A code (one * size + other) for every two texts and every shingle that both have."""
    import numpy as np  # noqa: PLC0415

    _, counts = np.unique(shingles, return_counts=True)
    sharers = np.repeat(counts, counts)
    codes = [np.empty(0, dtype=np.int64)]
    for distance in range(1, MOST_SHARERS):
        same = (shingles[distance:] == shingles[:-distance]) & ((sharers[distance:] <= MOST_SHARERS) | (distance == 1))
        codes.append(owners[:-distance][same] * size + owners[distance:][same])
    return np.concatenate(codes)

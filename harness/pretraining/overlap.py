"""What texts have in common, by their runs of words: evaluation examples that stand in a corpus, and near-duplicates.

Sources: runs of 13 words for examples in a training corpus, Brown et al. 2020, "Language Models are Few-Shot
Learners", appendix C; a share of all runs as a sketch of a document, Broder 1997, "On the resemblance and containment
of documents".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.duplicates import normalised_words

RUN_WORDS = 13
LEAST_WORDS = 8  # A shorter text says too little to be missed or found.
SKETCHED = 16  # A sketch keeps one run of so many.
CONTAINMENT = 0.5
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
Hashes = NDArray[np.uint64]


@lru_cache(maxsize=1_000_000)
def _word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def run_hashes(words: Hashes, length: int) -> Hashes:
    """A number for each run of `length` words [words - length + 1], from those of the words."""
    places = len(words) - length + 1
    if places < 1:
        return np.empty(0, dtype=np.uint64)
    hashes = np.zeros(places, dtype=np.uint64)
    for offset in range(length):
        hashes = hashes * _MULTIPLIER + words[offset : offset + places]  # wraps at 2**64
    return hashes


def word_hashes(text: str) -> Hashes:
    """A number for each word, whatever its case and the punctuation around it."""
    return np.fromiter(map(_word_hash, normalised_words(text)), dtype=np.uint64)


@dataclass
class Exclusion:
    """Runs of words that must not occur, and whose they are.

    Attributes:
        owners: Names of tasks.
        runs: By the length of the runs, in words: their numbers, rising, and the owner of each.
        looked_for: How many examples have a text that is long enough to be looked for, by owner.
        skipped: How many have none, by owner.
    """

    owners: Sequence[str]
    runs: Mapping[int, tuple[Hashes, NDArray[np.int64]]]
    looked_for: Mapping[str, int]
    skipped: Mapping[str, int]

    def owners_at(self, words: Hashes) -> NDArray[np.int64]:
        """The place in `owners`, of a run that covers it, for each word [words]; -1 where none does."""
        covered = np.full(len(words), -1, dtype=np.int64)
        for length, (known, owners) in self.runs.items():
            hashes = run_hashes(words, length)
            places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            starts = np.flatnonzero(known[places] == hashes)
            for offset in range(length if len(starts) else 0):
                covered[starts + offset] = owners[places[starts]]
        return covered


def exclusion_of(examples: Mapping[str, Iterable[Sequence[str]]]) -> Exclusion:
    """All runs of 13 words of the examples' texts; of texts of eight to twelve words, these in one run.

    Args:
        examples: The texts of each example, by owner.
    """
    found: dict[int, list[tuple[Hashes, int]]] = {}
    looked_for: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for owner, (name, owned) in enumerate(examples.items()):
        sizes: dict[str, int] = {}
        for texts in owned:
            for text in texts:
                if text not in sizes:
                    sizes[text] = len(words := word_hashes(text))
                    length = min(len(words), RUN_WORDS)
                    if length >= LEAST_WORDS:
                        found.setdefault(length, []).append((run_hashes(words, length), owner))
            enough = any(sizes[text] >= LEAST_WORDS for text in texts)
            (looked_for if enough else skipped)[name] += 1
    runs = {length: _sorted(parts) for length, parts in found.items()}
    return Exclusion(tuple(examples), runs, dict(looked_for), dict(skipped))


def _sorted(parts: Sequence[tuple[Hashes, int]]) -> tuple[Hashes, NDArray[np.int64]]:
    hashes = np.concatenate([part for part, _ in parts])
    owners = np.repeat([owner for _, owner in parts], [len(part) for part, _ in parts])
    unique, first = np.unique(hashes, return_index=True)
    return unique, owners[first]


@dataclass
class Seen:
    """Documents that were seen, to tell the same and nearly the same ones.

    Memory: a digest a document, and one of sixteen runs of its words.
    """

    digests: set[bytes] = field(default_factory=set)
    sketched: set[int] = field(default_factory=set)

    def is_new(self, words: Hashes) -> bool:
        """Whether no document before had the same words, or half of the runs; remembers it if so."""
        digest = hashlib.blake2b(words.tobytes(), digest_size=16).digest()
        sketch = run_hashes(words, RUN_WORDS)
        kept = sketch[sketch % np.uint64(SKETCHED) == 0].tolist()
        common = sum(run in self.sketched for run in kept)
        if digest in self.digests or (kept and common >= CONTAINMENT * len(kept)):
            return False
        self.digests.add(digest)
        self.sketched.update(kept)
        return True

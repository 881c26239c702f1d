"""Overlap of texts by runs of words (n-grams): evaluation examples in a corpus, and near-duplicates.

Sources: runs of 13 words for examples in a training corpus, Brown et al. 2020, "Language Models are Few-Shot
Learners", appendix C; a share of all runs as a sketch of a document, Broder 1997, "On the resemblance and containment
of documents".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.data.duplicates import normalised_words

RUN_WORDS = 13
LEAST_WORDS = 8  # Shorter texts are too unspecific to be searched for.
SKETCHED = 16  # A sketch keeps one of this many runs.
CONTAINMENT = 0.5
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
Hashes = NDArray[np.uint64]


@lru_cache(maxsize=2**18)
def _word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def run_hashes(words: Hashes, length: int) -> Hashes:
    """Hash each run of `length` words [words - length + 1], given the hashes of the words."""
    if len(words) < length:
        return np.empty(0, dtype=np.uint64)
    hashes = words[:0]
    for longer in range(1, length + 1):
        hashes = _longer(hashes, words, longer)
    return hashes


def _longer(hashes: Hashes, words: Hashes, length: int) -> Hashes:
    """Extend the hashes of runs of `length` - 1 words to those of runs of `length` words."""
    if length == 1:
        return words
    return hashes[:-1] * _MULTIPLIER + words[length - 1 :]  # wraps at 2**64


def word_hashes(text: str) -> Hashes:
    """Hash each word, regardless of its case and of the punctuation around it."""
    return np.fromiter(map(_word_hash, normalised_words(text)), dtype=np.uint64)


@dataclass
class EvaluationNgrams:
    """N-grams of evaluation examples, which must not occur in the texts, and their owners.

    Attributes:
        owners: The tasks.
        runs: By the length of the runs, in words: the sorted hashes, and the owner of each, as an index into `owners`.
        evaluation_sets: Number of examples with a text that is long enough to be searched for, by owner.
        skipped: Number of examples without such a text, by owner.
    """

    owners: Sequence[str]
    runs: Mapping[int, tuple[Hashes, NDArray[np.int64]]]
    evaluation_sets: Mapping[str, int]
    skipped: Mapping[str, int]

    def owners_at(self, words: Hashes) -> NDArray[np.int64]:
        """Return for each word the index in `owners` of a run that covers it [words], or -1 if there is none."""
        covered = np.full(len(words), -1, dtype=np.int64)
        hashes = np.empty(0, dtype=np.uint64)
        for length in range(1, min(max(self.runs, default=0), len(words)) + 1):
            hashes = _longer(hashes, words, length)
            if length in self.runs:
                known, owners = self.runs[length]
                places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
                starts = np.flatnonzero(known[places] == hashes)
                for offset in range(length if len(starts) else 0):
                    covered[starts + offset] = owners[places[starts]]
        return covered


def evaluation_ngrams(examples: Iterable[tuple[str, Iterable[Sequence[str]]]]) -> EvaluationNgrams:
    """Collect all runs of 13 words of the examples' texts; a text of eight to twelve words is a single run.

    Args:
        examples: Each owner, with the texts of each of its examples.
    """
    owners: list[str] = []
    found: dict[int, list[tuple[Hashes, int]]] = {}
    evaluation_sets: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for owner, (name, task_examples) in enumerate(examples):
        owners.append(name)
        sizes: dict[str, int] = {}
        for texts in task_examples:
            for text in texts:
                if text not in sizes:
                    sizes[text] = len(words := word_hashes(text))
                    length = min(len(words), RUN_WORDS)
                    if length >= LEAST_WORDS:
                        found.setdefault(length, []).append((run_hashes(words, length), owner))
            enough = any(sizes[text] >= LEAST_WORDS for text in texts)
            (evaluation_sets if enough else skipped)[name] += 1
    runs = {length: _sorted(parts) for length, parts in found.items()}
    return EvaluationNgrams(tuple(owners), runs, dict(evaluation_sets), dict(skipped))


def _sorted(parts: Sequence[tuple[Hashes, int]]) -> tuple[Hashes, NDArray[np.int64]]:
    hashes = np.concatenate([part for part, _ in parts])
    owners = np.repeat([owner for _, owner in parts], [len(part) for part, _ in parts])
    unique, first = np.unique(hashes, return_index=True)
    return unique, owners[first]


def sketch(words: Hashes) -> Hashes:
    """Keep one of sixteen runs of words, chosen by hash, so that two texts keep the same ones of their shared runs."""
    runs = run_hashes(words, RUN_WORDS)
    return np.unique(runs[runs % np.uint64(SKETCHED) == 0])


class Numbers:
    """A growing set of numbers at eight bytes each: most in a sorted array, the latest in a Python set."""

    def __init__(self, latest: int = 2**18) -> None:
        self._most, self._sorted, self._latest = latest, np.empty(0, dtype=np.uint64), set[int]()

    def has(self, numbers: Hashes) -> NDArray[np.bool_]:
        """Return whether each number is in the set [numbers]."""
        found = np.fromiter((number in self._latest for number in numbers.tolist()), dtype=np.bool_, count=len(numbers))
        if len(self._sorted):
            places = np.minimum(np.searchsorted(self._sorted, numbers), len(self._sorted) - 1)
            found |= self._sorted[places] == numbers
        return found

    def add(self, numbers: Hashes) -> None:
        """Add the numbers to the set."""
        self._latest.update(numbers.tolist())
        if len(self._latest) > self._most:
            latest = np.fromiter(self._latest, dtype=np.uint64, count=len(self._latest))
            self._sorted = np.union1d(self._sorted, latest)
            self._latest = set()


class Seen:
    """Detects duplicates and near-duplicates of documents seen before.

    Memory: eight bytes per document, and eight per one of sixteen runs of its words, which is half a byte per word.
    """

    def __init__(self) -> None:
        self._documents, self._sketched = Numbers(), Numbers()

    def is_new(self, words: Hashes) -> bool:
        """Add a document unless it is a duplicate, and return whether it was added.

        A duplicate has the same words as an earlier document, or half or more of its sketched runs in earlier ones.
        """
        digest = hashlib.blake2b(words.tobytes(), digest_size=8).digest()
        document = np.frombuffer(digest, dtype=np.uint64)
        kept = sketch(words)
        if self._documents.has(document)[0] or (len(kept) and self._sketched.has(kept).mean() >= CONTAINMENT):
            return False
        self._documents.add(document)
        self._sketched.add(kept)
        return True

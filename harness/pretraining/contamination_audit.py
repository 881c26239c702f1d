"""What was written, looked through once more: does it hold evaluation examples, or what is held out?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from harness.pretraining.document_store import DocumentStore
from harness.pretraining.overlap import EvaluationNgrams, Hashes, sketch, word_hashes
from harness.pretraining.progress import followed


@dataclass(frozen=True)
class ContaminationAudit:
    """What texts have in common with what they must not, and should not.

    Attributes:
        excluded: How many of their words lie in a run of an evaluation example, by task.
        held_out: Which share of the runs of each corpus's held-out texts also stands in training texts; of those that
            have such runs. It is estimated from one of sixteen runs.
    """

    excluded: Mapping[str, int]
    held_out: Mapping[str, float]


def audit(texts: Mapping[str, DocumentStore], ngrams: EvaluationNgrams, console: Console) -> ContaminationAudit:
    """Read all that was written; in memory are one document, and a sketch of the held-out ones.

    Args:
        texts: What was written, by corpus.
        ngrams: What must not be in it.
        console: Shows how far it is.
    """
    sketches = {name: _sketch_of_held_out(stored) for name, stored in texts.items()}
    wanted = np.unique(np.concatenate([*sketches.values(), np.empty(0, dtype=np.uint64)]))
    found = np.zeros(len(wanted), dtype=np.bool_)
    words_of: Counter[int] = Counter()
    for name, stored in texts.items():
        documents = followed(stored.documents(), f"looking through {name}", console, total=len(stored.lengths))
        for held_out, text in zip(stored.held_out, documents, strict=True):
            owners = ngrams.owners_at(words := word_hashes(text))
            words_of.update(owners[owners >= 0].tolist())
            if not held_out:
                _mark(sketch(words), wanted, found)
    excluded = {owner: words_of[number] for number, owner in enumerate(ngrams.owners)}
    return ContaminationAudit(
        excluded, {name: _share(own, wanted[found]) for name, own in sketches.items() if len(own)}
    )


def _sketch_of_held_out(stored: DocumentStore) -> Hashes:
    sketches = [sketch(word_hashes(text)) for text in stored.documents(held_out=True)]
    return np.unique(np.concatenate([*sketches, np.empty(0, dtype=np.uint64)]))


def _mark(runs: Hashes, wanted: Hashes, found: NDArray[np.bool_]) -> None:
    """Mark those of `wanted`, which is sorted, that are among `runs`."""
    if len(wanted):
        places = np.minimum(np.searchsorted(wanted, runs), len(wanted) - 1)
        found[places[wanted[places] == runs]] = True


def _share(runs: Hashes, found: Hashes) -> float:
    return round(float(np.isin(runs, found).mean()), 4)

"""Audit of the written texts: do they contain evaluation examples, or does training contain held-out texts?"""

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
    """Overlap of the texts with evaluation examples, and of training texts with held-out ones.

    Attributes:
        excluded: Number of words inside a run of an evaluation example, by task.
        held_out: Share of the runs of each corpus's held-out texts that also occur in training texts, estimated from
            one of sixteen runs; of corpora whose held-out texts have such runs.
    """

    excluded: Mapping[str, int]
    held_out: Mapping[str, float]


def audit(texts: Mapping[str, DocumentStore], ngrams: EvaluationNgrams, console: Console) -> ContaminationAudit:
    """Read all written texts again, keeping one document and a sketch of the held-out ones in memory."""
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
    """Set `found` for each element of `wanted`, which is sorted, that is among `runs`."""
    if len(wanted):
        places = np.minimum(np.searchsorted(wanted, runs), len(wanted) - 1)
        found[places[wanted[places] == runs]] = True


def _share(runs: Hashes, found: Hashes) -> float:
    return round(float(np.isin(runs, found).mean()), 4)

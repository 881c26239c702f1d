"""Training texts, built a document at a time: cleaned, deduplicated, and without evaluation examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from harness.errors import UserError
from harness.pretraining.cleaning import cleaned, sentences
from harness.pretraining.decontamination import MOST_SHARED, without_shared_runs
from harness.pretraining.document_store import DocumentStore, TextWriter, read_document_store
from harness.pretraining.overlap import EvaluationNgrams, Seen, word_hashes
from harness.pretraining.progress import followed
from harness.pretraining.texts import Texts


@dataclass
class Tally:
    """Counts of a source's documents by outcome; `…_characters` count characters after cleaning.

    Attributes:
        read: Number of documents of the source.
        empty: Number of documents without a word.
        repeated: Number of duplicates and near-duplicates of earlier documents, of this source or another.
        left_out: Number of documents left out for evaluation examples, by the task with a run in most of the sentences.
        cut: Number of sentences cut out of documents that were kept, by task.
        kept: Number of documents that were kept.
    """

    read: int = 0
    read_characters: int = 0
    empty: int = 0
    repeated: int = 0
    repeated_characters: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    left_out_characters: int = 0
    cut: Counter[str] = field(default_factory=Counter)
    cut_characters: int = 0
    kept: int = 0
    kept_characters: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the counts as a JSON-serialisable dictionary."""
        return vars(self) | {"left_out": dict(self.left_out), "cut": dict(self.cut)}


def write_texts(
    sources: Sequence[Texts], ngrams: EvaluationNgrams, folder: Path, *, held_out: float, seed: int, console: Console
) -> dict[str, Tally]:
    """Write the documents kept of each source into a folder named by its number, and return the counts by source.

    Memory holds a digest per document and one of sixteen runs of its words (`Seen`), the runs of the examples, and one
    document.

    Raises:
        UserError: If a source has no text, or if none of its documents is kept.
    """
    seen = Seen()
    tallies: dict[str, Tally] = {}
    for number, source in enumerate(sources):
        tally = tallies[source.name] = Tally()
        with TextWriter(folder / str(number), share=held_out, seed=seed) as writer:
            for document in followed(source.documents(), f"reading {source.name}", console):
                _write_document(document, seen, ngrams, writer, tally)
        _check_kept(source.name, tally)
    return tallies


def _write_document(document: str, seen: Seen, ngrams: EvaluationNgrams, writer: TextWriter, tally: Tally) -> None:
    text = cleaned(document)
    pieces = sentences(text)
    words = [word_hashes(piece) for piece in pieces]
    together = np.concatenate(words) if words else np.empty(0, dtype=np.uint64)
    tally.read += 1
    tally.read_characters += len(text)
    if not len(together):
        tally.empty += 1
    elif not seen.is_new(together):
        tally.repeated += 1
        tally.repeated_characters += len(text)
    elif (cut := without_shared_runs(pieces, words, ngrams)).text is None:
        tally.left_out[Counter(cut.owners).most_common(1)[0][0]] += 1
        tally.left_out_characters += len(text)
    else:
        writer.write(cut.text, identity=text)
        tally.kept += 1
        tally.kept_characters += len(cut.text)
        tally.cut.update(cut.owners)
        tally.cut_characters += len(text) - len(cut.text)


def _check_kept(name: str, tally: Tally) -> None:
    if tally.read == tally.empty:
        raise UserError(f"corpora: {name}: no text in it (got {tally.read} empty documents). Give documents with text.")
    if not tally.kept:
        lost = ", ".join(f"{count} for {task}" for task, count in tally.left_out.items()) or "none for evaluation"
        raise UserError(
            f"corpora: {name}: no document is left (of {tally.read}: {tally.empty} empty, {tally.repeated} repeat "
            f"others, left out for sharing over {MOST_SHARED:.0%} of their words with examples: {lost}). "
            "Give other texts, or name fewer tasks in corpora.exclude_tasks."
        )


def stored_sources(folder: Path, names: Sequence[str]) -> dict[str, DocumentStore]:
    """Open what `write_texts` wrote, by the source's name."""
    return {name: read_document_store(folder / str(number)) for number, name in enumerate(names)}


def decontamination_report(
    ngrams: EvaluationNgrams, tallies: Mapping[str, Tally], left: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """Report what was searched for, what was removed and what remains, by task."""
    return {
        owner: {
            "examples": ngrams.evaluation_sets.get(owner, 0),
            "examples_too_short": ngrams.skipped.get(owner, 0),
            "sentences_cut": sum(tally.cut[owner] for tally in tallies.values()),
            "documents_left_out": sum(tally.left_out[owner] for tally in tallies.values()),
            "words_still_shared": left[owner],
        }
        for owner in ngrams.owners
    }

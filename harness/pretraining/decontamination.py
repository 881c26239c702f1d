"""Removal of evaluation examples: texts that tasks select and score models on must not be trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from harness.data.loading import load_splits
from harness.data.sources import Hub
from harness.errors import UserError, nearest
from harness.pretraining.cleaning import cleaned
from harness.pretraining.overlap import EvaluationNgrams, Hashes, evaluation_ngrams
from harness.pretraining.progress import followed
from harness.registry import TASKS

MOST_SHARED = 0.1  # Documents that share more than this part of their words with examples are left out.


@dataclass(frozen=True)
class EvaluationSets:
    """The tasks whose examples are searched for.

    Attributes:
        fingerprints: The fingerprint of each task's data.
        missing: The reason why the examples of a task can't be searched for, by task.
    """

    fingerprints: Mapping[str, str]
    missing: Mapping[str, str]


def evaluation_sets_of(names: Sequence[str] | None) -> EvaluationSets:
    """Return the named tasks, or if `names` is None, every registered task whose data is on this machine.

    Raises:
        UserError: If there is no task of a name, or its data is not available.
    """
    known = TASKS.names()
    wrong = [
        f"corpora.exclude_tasks: {name!r}: no such task.{nearest(name, known)}"
        for name in names or ()
        if name not in known
    ]
    if wrong:
        raise UserError(*wrong)
    fingerprints: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name in known if names is None else names:
        source = TASKS.load(name).source
        if names is None and isinstance(source, Hub):
            missing[name] = "its data is on the Hub. Name it in corpora.exclude_tasks to look for it."
            continue
        try:
            fingerprints[name] = source.fingerprint()
        except UserError as error:
            missing[name] = error.lines[0]
    if names is not None and missing:
        raise UserError(*(f"corpora.exclude_tasks: {name}: {line}" for name, line in missing.items()))
    return EvaluationSets(fingerprints, missing)


def ngrams_of_tasks(names: Sequence[str], console: Console) -> EvaluationNgrams:
    """Collect the n-grams of the tasks' validation and test examples."""
    return evaluation_ngrams(
        (name, _evaluation_texts(name)) for name in followed(names, "reading evaluation sets", console)
    )


def _evaluation_texts(name: str) -> Iterator[tuple[str, ...]]:
    splits = load_splits(TASKS.load(name))
    for example in (*splits.validation, *splits.test):
        yield example.every_text


@dataclass(frozen=True)
class Cut:
    """A document after its contaminated sentences were cut.

    Attributes:
        text: The other sentences; None if too many words are in a shared run, or if no sentence is left.
        owners: The owner of a shared run, for each sentence that has one.
    """

    text: str | None
    owners: Sequence[str]


def without_shared_runs(pieces: Sequence[str], words: Sequence[Hashes], ngrams: EvaluationNgrams) -> Cut:
    """Cut the sentences that touch an evaluation n-gram, or drop the document if over a tenth of it is in such runs.

    Words in shared runs are counted, not the sentences that contain one: in a text without stops, a sentence has sixty
    words. Sentences that become adjacent by a cut are searched again.

    Args:
        pieces: The document's sentences; concatenated, they are the document.
        words: Hashes of the words of each sentence.
        ngrams: N-grams of the evaluation examples.
    """
    kept, owners, shared = list(range(len(pieces))), list[str](), 0
    while kept:
        hits, count = _hits([words[place] for place in kept], ngrams)
        if not hits:
            break
        owners += hits.values()
        shared += count
        if shared > MOST_SHARED * sum(map(len, words)):
            return Cut(None, owners)
        kept = [place for number, place in enumerate(kept) if number not in hits]
    text = "".join(pieces[place] for place in kept)
    return Cut((cleaned(text) if owners else text) or None, owners)


def _hits(words: Sequence[Hashes], ngrams: EvaluationNgrams) -> tuple[dict[int, str], int]:
    """Return the owner of a run by the index of each sentence that it touches, and the number of words inside runs."""
    owners = ngrams.owners_at(np.concatenate(words))
    hit = np.flatnonzero(owners >= 0)
    sentence_of = np.repeat(np.arange(len(words)), [len(part) for part in words])
    places, first = np.unique(sentence_of[hit], return_index=True)
    names = (ngrams.owners[int(owners[hit[index]])] for index in first)
    return dict(zip(places.tolist(), names, strict=True)), len(hit)

"""What must not stand in the texts: the examples that tasks choose and judge models on."""

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

MOST_SHARED = 0.1  # A document of which examples have more of the words than this is left out.


@dataclass(frozen=True)
class EvaluationSets:
    """Tasks whose examples are looked for.

    Attributes:
        fingerprints: What each one's examples depend on.
        missing: Why the examples of others can't be looked for.
    """

    fingerprints: Mapping[str, str]
    missing: Mapping[str, str]


def evaluation_sets_of(names: Sequence[str] | None) -> EvaluationSets:
    """The tasks called `names`; None: every registered one whose data is on this machine.

    Raises:
        UserError: A named task is none, or its data isn't there.
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
    """All runs of words of the tasks' validation and test examples."""
    return evaluation_ngrams(
        (name, _evaluation_texts(name)) for name in followed(names, "reading evaluation sets", console)
    )


def _evaluation_texts(name: str) -> Iterator[tuple[str, ...]]:
    splits = load_splits(TASKS.load(name))
    for example in (*splits.validation, *splits.test):
        yield example.every_text


@dataclass(frozen=True)
class Cut:
    """What is left of a document.

    Attributes:
        text: Its other sentences; None: too many words lie in a shared run, or no sentence is left.
        owners: The owner of a shared run, for each sentence that has one.
    """

    text: str | None
    owners: Sequence[str]


def without_shared_runs(pieces: Sequence[str], words: Sequence[Hashes], ngrams: EvaluationNgrams) -> Cut:
    """The document without the sentences that touch an evaluation n-gram; none of it where runs are over a tenth of it.

    It is the words in shared runs that are counted, not the sentences with one: in a text without stops, a sentence is
    sixty words. Sentences that come together by a cut are looked through again.

    Args:
        pieces: The document's sentences, which are the document when put together.
        words: Numbers of the words of each.
        ngrams: Of the evaluation examples.
    """
    kept, owners, shared = list(range(len(pieces))), list[str](), 0
    while kept:
        hits = Hits.among([words[place] for place in kept], ngrams)
        if not hits.owners:
            break
        owners += hits.owners.values()
        shared += hits.words
        if shared > MOST_SHARED * sum(map(len, words)):
            return Cut(None, owners)
        kept = [place for number, place in enumerate(kept) if number not in hits.owners]
    text = "".join(pieces[place] for place in kept)
    return Cut((cleaned(text) if owners else text) or None, owners)


@dataclass(frozen=True)
class Hits:
    """Sentences that have words of an evaluation n-gram.

    Attributes:
        owners: The owner of a run, by the sentence's number.
        words: How many words lie in a run.
    """

    owners: Mapping[int, str]
    words: int

    @classmethod
    def among(cls, words: Sequence[Hashes], ngrams: EvaluationNgrams) -> Hits:
        """The hits in sentences that stand one after the other."""
        owners = ngrams.owners_at(np.concatenate(words))
        hit = np.flatnonzero(owners >= 0)
        if not len(hit):
            return cls({}, 0)
        sentence_of = np.repeat(np.arange(len(words)), [len(part) for part in words])
        places, first = np.unique(sentence_of[hit], return_index=True)
        names = (ngrams.owners[int(owners[hit[index]])] for index in first)
        return cls(dict(zip(places.tolist(), names, strict=True)), len(hit))

"""Sampling of sequences as token spans of a corpus, before any tokens are read.

The order of an epoch is a pure function of the seed and the epoch, so that an interrupted run finds its place again by
counting. Documents are taken in random order, shard by shard: only one shard's sequences are in memory, whatever the
size of the corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from harness.errors import UserError
from harness.pretraining.tokens import TokenFile

SHARD_TOKENS = 2**22
TokenSpan = tuple[int, int]  # start and end of tokens in the file, the end excluded


@dataclass(frozen=True, slots=True)
class SampledSequence:
    """A sequence that is yet to be read.

    Attributes:
        texts: The token spans of each of its one or two texts.
        length: Number of tokens of the sequence, special tokens included.
        follows: Whether a pair's second text follows the first one in the corpus; None if the sequence is no pair.
        key: Seeds the random choices for this sequence, together with the run's seed.
    """

    texts: tuple[tuple[TokenSpan, ...], ...]
    length: int
    follows: bool | None
    key: tuple[int, ...] = ()


# Makes the sequences of a shard's documents, at random.
Sampler = Callable[[NDArray[np.int64], Generator], Sequence[SampledSequence]]


def sentence_spans(tokens: TokenFile, document: int) -> list[TokenSpan]:
    """Return the spans of the document's sentences that have at least one token."""
    bounds = tokens.sentences[tokens.documents[document] : tokens.documents[document + 1] + 1].tolist()
    return [(start, end) for start, end in pairwise(bounds) if end > start]


def shards(tokens: TokenFile, generator: Generator) -> Iterator[NDArray[np.int64]]:
    """Yield all documents in random order, in groups of some four million tokens."""
    if not tokens.document_count:
        return
    order = generator.permutation(tokens.document_count)
    ends = np.cumsum(tokens.sentences[tokens.documents[order + 1]] - tokens.sentences[tokens.documents[order]])
    cuts = np.searchsorted(ends, np.arange(SHARD_TOKENS, int(ends[-1]), SHARD_TOKENS)) + 1
    yield from (part for part in np.split(order, np.unique(cuts)) if len(part))


def sampled_sequences(
    tokens: TokenFile, sampler: Sampler, *, seed: int, versions: int | None
) -> Iterator[SampledSequence]:
    """Yield the sequences of one epoch after the other, without end.

    Args:
        tokens: The corpus.
        sampler: Makes a shard's sequences.
        seed: The random seed.
        versions: Number of distinct epochs; after these, their sequences, with all random choices, are repeated in
            another order. None if all epochs are distinct.

    Raises:
        UserError: If there are no sequences.
    """
    for epoch in count():
        version, some = epoch if versions is None else epoch % versions, False
        for sampled in epoch_sequences(tokens, sampler, seed=seed, version=version, epoch=epoch):
            some = True
            yield sampled
        if not some:
            raise UserError(
                f"corpora: {tokens.token_count} tokens are too few for a sequence of this objective. Give more text."
            )


def epoch_sequences(
    tokens: TokenFile, sampler: Sampler, *, seed: int, version: int, epoch: int
) -> Iterator[SampledSequence]:
    """Yield the sequences of one epoch.

    Args:
        tokens: The corpus.
        sampler: Makes a shard's sequences.
        seed: The random seed.
        version: Determines with the seed which sequences are made.
        epoch: Determines the order of a shard's sequences.
    """
    for number, documents in enumerate(shards(tokens, default_rng((seed, version)))):
        made = sampler(documents, default_rng((seed, version, number)))
        for index in default_rng((seed, version, number, epoch)).permutation(len(made)).tolist():
            sampled = made[index]
            yield SampledSequence(sampled.texts, sampled.length, sampled.follows, (version, number, index))


def first_sequences(tokens: TokenFile, sampler: Sampler, *, seed: int) -> Sequence[SampledSequence]:
    """Return the sequences of the first shard of the first epoch, in no particular order."""
    for documents in shards(tokens, default_rng((seed, 0))):
        return sampler(documents, default_rng((seed, 0, 0)))
    return ()


def steps_of(found: Iterator[SampledSequence], *, batch_tokens: int, start: int) -> Iterator[list[SampledSequence]]:
    """Yield the sequences of each optimiser step after the first `start`, with `batch_tokens` per step on average."""
    read, batch = 0, []
    for step in count(1):
        while read < step * batch_tokens:
            batch.append(next(found))
            read += batch[-1].length
        if step > start:
            yield batch
        batch = []

"""Which token spans of a corpus make a sequence, before anything of it is read.

The order of a pass over the corpus, an epoch, is a pure function of the seed and the epoch, so that a run that was
stopped finds its place again by counting. Documents are drawn in random order and taken shard by shard: only a shard's
sequences are in memory, whatever the size of the corpus.
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
TokenSpan = tuple[int, int]  # tokens of the file [start, end)


@dataclass(frozen=True, slots=True)
class SampledSequence:
    """A sequence to be read.

    Attributes:
        texts: The token spans that make each of its texts: of one text, or of a pair.
        length: Tokens of the sequence, special ones included.
        follows: Whether the second text of a pair is what follows the first one; None: it is no pair.
        key: What its random choices depend on, beside the seed.
    """

    texts: tuple[tuple[TokenSpan, ...], ...]
    length: int
    follows: bool | None
    key: tuple[int, ...] = ()


# The sequences of a shard's documents, with random choices.
Sampler = Callable[[NDArray[np.int64], Generator], Sequence[SampledSequence]]


def sentence_spans(tokens: TokenFile, document: int) -> list[TokenSpan]:
    """Where the document's sentences stand; those without a token are left out."""
    bounds = tokens.sentences[tokens.documents[document] : tokens.documents[document + 1] + 1].tolist()
    return [(start, end) for start, end in pairwise(bounds) if end > start]


def shards(tokens: TokenFile, generator: Generator) -> Iterator[NDArray[np.int64]]:
    """All documents in random order, in groups of some millions of tokens."""
    if not tokens.document_count:
        return
    order = generator.permutation(tokens.document_count)
    ends = np.cumsum(tokens.sentences[tokens.documents[order + 1]] - tokens.sentences[tokens.documents[order]])
    cuts = np.searchsorted(ends, np.arange(SHARD_TOKENS, int(ends[-1]), SHARD_TOKENS)) + 1
    yield from (part for part in np.split(order, np.unique(cuts)) if len(part))


def sampled_sequences(
    tokens: TokenFile, sampler: Sampler, *, seed: int, versions: int | None
) -> Iterator[SampledSequence]:
    """The sequences of one epoch after the other, without end.

    Args:
        tokens: The corpus.
        sampler: Makes a shard's.
        seed: Of every random choice.
        versions: So many epochs differ, and then their sequences, with all that was drawn for them, come again in
            another order; None: all epochs differ.

    Raises:
        UserError: There are none.
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
    """The sequences of one epoch.

    Args:
        tokens: The corpus.
        sampler: Makes a shard's.
        seed: Of every random choice.
        version: Says which sequences there are, beside the seed.
        epoch: Says in which order a shard's come.
    """
    for number, documents in enumerate(shards(tokens, default_rng((seed, version)))):
        made = sampler(documents, default_rng((seed, version, number)))
        for index in default_rng((seed, version, number, epoch)).permutation(len(made)).tolist():
            sampled = made[index]
            yield SampledSequence(sampled.texts, sampled.length, sampled.follows, (version, number, index))


def first_sequences(tokens: TokenFile, sampler: Sampler, *, seed: int) -> Sequence[SampledSequence]:
    """The sequences of the first shard of the first epoch, in no particular order."""
    for documents in shards(tokens, default_rng((seed, 0))):
        return sampler(documents, default_rng((seed, 0, 0)))
    return ()


def steps_of(found: Iterator[SampledSequence], *, batch_tokens: int, start: int) -> Iterator[list[SampledSequence]]:
    """The sequences of each optimiser step after the first `start`: as many as bring all to `batch_tokens` each."""
    read, batch = 0, []
    for step in count(1):
        while read < step * batch_tokens:
            batch.append(next(found))
            read += batch[-1].length
        if step > start:
            yield batch
        batch = []

"""RoBERTa: masks that are drawn anew each time, full sentences across documents, and no next-sentence prediction.

Source: Liu et al. 2019, sections 4.1 and 4.2 ("FULL-SENTENCES").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from harness.pretraining.masked import MaskedObjective
from harness.pretraining.sequence_sampling import SampledSequence, TokenSpan, sentence_spans
from harness.pretraining.tokens import TokenFile


class FullSentences:
    """Fills sequences with consecutive sentences, across document boundaries."""

    def __init__(self, tokens: TokenFile, length: int, special: int) -> None:
        """Args: the corpus, the maximum number of tokens of a sequence, and the number of special tokens among them."""
        self._tokens, self._room, self._special = tokens, length - special, special

    def __call__(self, documents: NDArray[np.int64], _generator: Generator) -> list[SampledSequence]:
        """Make a shard's sequences, with a separator between documents."""
        made: list[SampledSequence] = []
        spans: list[TokenSpan] = []
        for document in documents:
            begins = True
            for start, end in self._pieces(int(document)):
                if _size(spans) + begins + end - start > self._room:
                    made += self._sampled(spans)
                    spans = []
                if begins or not spans:
                    spans.append((start, end))
                else:
                    spans[-1] = (spans[-1][0], end)
                begins = False
        return [*made, *self._sampled(spans)]

    def _sampled(self, spans: list[TokenSpan]) -> list[SampledSequence]:
        return [SampledSequence((tuple(spans),), _size(spans) + self._special, None)] if spans else []

    def _pieces(self, document: int) -> list[TokenSpan]:
        """Return the spans of the document's sentences; those too long for any sequence are cut."""
        longest = self._room - 1
        return [
            (place, min(place + longest, end))
            for start, end in sentence_spans(self._tokens, document)
            for place in range(start, end, longest)
        ]


def _size(spans: list[TokenSpan]) -> int:
    """Return the number of tokens of the spans, with the separators between them."""
    return sum(end - start for start, end in spans) + max(len(spans) - 1, 0)


def objective(tokens: TokenFile, tokenizer: Any, *, plan: Any) -> MaskedObjective:
    """Make the objective on a corpus."""
    return MaskedObjective(tokens, tokenizer, plan, FullSentences, versions=None, pairs=False)

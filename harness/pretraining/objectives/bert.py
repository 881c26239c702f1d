"""BERT: masks that are made once, pairs of texts, and next-sentence prediction.

Source: Devlin et al. 2019, sections 3.1 and A.2. Each text is prepared in a fixed number of versions, with masks and
pairs of their own, and these are repeated ("static masking" in Liu et al. 2019, section 4.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from harness.pretraining.masked import MaskedObjective
from harness.pretraining.sequence_sampling import SampledSequence, TokenSpan, sentence_spans
from harness.pretraining.tokens import TokenFile

SHORT = 0.1  # Share of sequences that are shortened on purpose, since fine-tuning reads short ones too.
RANDOM_NEXT = 0.5


class Pairs:
    """Makes pairs of texts from a shard's documents."""

    def __init__(self, tokens: TokenFile, length: int, special: int) -> None:
        """Args: the corpus, the maximum number of tokens of a sequence, and the number of special tokens among them."""
        self._tokens, self._room, self._special = tokens, length - special, special

    def __call__(self, documents: NDArray[np.int64], generator: Generator) -> list[SampledSequence]:
        """Make a shard's pairs; about half of the second texts are from another of its documents."""
        texts = [found for document in documents if (found := sentence_spans(self._tokens, int(document)))]
        return [pair for index in range(len(texts)) for pair in self._of(index, texts, generator)]

    def _of(self, index: int, texts: list[list[TokenSpan]], generator: Generator) -> list[SampledSequence]:
        """Make the pairs that begin in one document."""
        sentences, made, start = texts[index], [], 0
        while start < len(sentences):
            target = int(generator.integers(2, self._room)) if generator.random() < SHORT else self._room
            end = _filled(sentences, start, target)
            if len(texts) == 1:  # No other document can provide the second text, so a pair needs two sentences.
                end = max(end, start + 2)
                if end > len(sentences):
                    break
            middle = start + (int(generator.integers(1, end - start)) if end - start > 1 else 1)
            first = (sentences[start][0], sentences[middle - 1][1])
            if middle == end or (len(texts) > 1 and generator.random() < RANDOM_NEXT):
                second = self._random_next(index, texts, target - (first[1] - first[0]), generator)
                made.append(self._pair(first, second, follows=False, generator=generator))
                start = middle  # The next pair begins with the unused sentences.
            else:
                second = (sentences[middle][0], sentences[end - 1][1])
                made.append(self._pair(first, second, follows=True, generator=generator))
                start = end
        return made

    @staticmethod
    def _random_next(index: int, texts: list[list[TokenSpan]], target: int, generator: Generator) -> TokenSpan:
        """Take sentences of another random document, from a random sentence on."""
        other = int(generator.integers(len(texts) - 1))
        sentences = texts[other + (other >= index)]
        start = int(generator.integers(len(sentences)))
        return sentences[start][0], sentences[_filled(sentences, start, max(target, 1)) - 1][1]

    def _pair(self, first: TokenSpan, second: TokenSpan, *, follows: bool, generator: Generator) -> SampledSequence:
        """Truncate a pair to fit: tokens are removed one by one from the longer text, at a random end."""
        (a, b), (c, d) = first, second
        while (b - a) + (d - c) > self._room:
            front = generator.random() < 0.5
            if b - a > d - c:
                a, b = (a + 1, b) if front else (a, b - 1)
            else:
                c, d = (c + 1, d) if front else (c, d - 1)
        return SampledSequence((((a, b),), ((c, d),)), b - a + d - c + self._special, follows)


def _filled(sentences: list[TokenSpan], start: int, target: int) -> int:
    """Return the end of the shortest run of sentences from `start` on that has at least `target` tokens."""
    end = start + 1
    while end < len(sentences) and sentences[end - 1][1] - sentences[start][0] < target:
        end += 1
    return end


def objective(tokens: TokenFile, tokenizer: Any, *, plan: Any) -> MaskedObjective:
    """Make the objective on a corpus."""
    return MaskedObjective(tokens, tokenizer, plan, Pairs, versions=plan.duplicates, pairs=True)

"""Masking: some of a sequence's tokens are hidden, and are to be predicted.

Source: Devlin et al. 2019, section 3.1, "Masked LM", and appendix A.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from harness.errors import UserError
from harness.pretraining.sequence_sampling import SampledSequence, TokenSpan
from harness.pretraining.tokens import TokenFile
from harness.tokenization.reading import Template, learnt_template

# Of the tokens that are to be predicted: so many are shown as [MASK], so many as another word; the rest are shown.
MASKED, REPLACED = 0.8, 0.1
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MaskedSequence:
    """A sequence with words to be predicted.

    Attributes:
        input_ids: What the model is shown [length].
        token_type_ids: Which text of a pair each token belongs to [length].
        places: Where words are to be predicted [predicted].
        words: What stands there [predicted].
        follows: Whether the second text of a pair is what follows the first one; None: it is no pair.
        weight: What the sum of the words' losses is multiplied by, so that the mean over a step's sequences is the mean
            over its words.
    """

    input_ids: Ids
    token_type_ids: Ids
    places: Ids
    words: Ids
    follows: bool | None
    weight: float = 1.0

    @property
    def size(self) -> int:
        """How many tokens it has."""
        return len(self.input_ids)


class Masker:
    """Reads sampled sequences and masks tokens of theirs."""

    def __init__(self, tokens: TokenFile, tokenizer: Any, *, share: float, seed: int) -> None:
        """Args: the corpus, its tokenizer, the share of tokens to be predicted, and the seed of every choice."""
        self._tokens, self._share, self._seed = tokens, share, seed
        self._tokenizer, self._templates = tokenizer, dict[int, Template]()
        self._special = np.array(sorted(tokenizer.all_special_ids))
        self._words = np.setdiff1d(np.arange(len(tokenizer)), self._special)
        self._mask_id, self._separator = tokenizer.mask_token_id, tokenizer.sep_token_id

    def __call__(self, sampled: SampledSequence) -> MaskedSequence:
        """The sequence that was sampled, the same whenever it is asked for."""
        generator = default_rng((self._seed, *sampled.key))
        texts = [self._read(spans) for spans in sampled.texts]
        ids, types, _ = self._template(len(texts)).around(*texts)
        return self._hidden(np.array(ids), np.array(types), sampled.follows, generator)

    def step(self, sampled_sequences: Sequence[SampledSequence]) -> list[MaskedSequence]:
        """The sequences of one step, weighted."""
        return weighted([self(sampled) for sampled in sampled_sequences])

    def _template(self, texts: int) -> Template:
        if texts not in self._templates:
            self._templates[texts] = learnt_template(self._tokenizer, texts)
        return self._templates[texts]

    def _read(self, spans: Sequence[TokenSpan]) -> list[int]:
        """The tokens of a text; between spans, which are of different documents, stands a separator."""
        ids: list[int] = []
        for index, (start, end) in enumerate(spans):
            ids += [self._separator] * (index > 0) + self._tokens.ids[start:end].tolist()
        return ids

    def _hidden(self, ids: Ids, types: Ids, follows: bool | None, generator: Generator) -> MaskedSequence:
        plain = np.flatnonzero(~np.isin(ids, self._special))
        count = min(max(1, round(len(ids) * self._share)), len(plain))
        places = np.sort(generator.choice(plain, count, replace=False))
        words, draw = ids[places], generator.random(count)
        others = generator.choice(self._words, count)
        shown = np.where(draw < MASKED, self._mask_id, np.where(draw < MASKED + REPLACED, others, words))
        ids = ids.copy()
        ids[places] = shown
        return MaskedSequence(ids, types, places, words, follows)


def check_special_tokens(tokenizer: Any) -> None:
    """Refuse a tokenizer without a token to hide words, to part texts, or to fill up with.

    Raises:
        UserError: It lacks one.
    """
    lacking = [name for name in ("mask_token", "sep_token", "pad_token") if getattr(tokenizer, name) is None]
    if lacking:
        raise UserError(
            f"tokenizer.checkpoint: this tokenizer has no {' and no '.join(lacking)}, so no tokens can be masked. "
            "Choose another, or leave checkpoint out."
        )


def weighted(sequences: Sequence[MaskedSequence]) -> list[MaskedSequence]:
    """The sequences of one step, with their weights."""
    weight = len(sequences) / max(sum(len(sequence.words) for sequence in sequences), 1)
    return [replace(sequence, weight=weight) for sequence in sequences]

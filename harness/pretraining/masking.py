"""Masking: some of a sequence's tokens are selected, and the model predicts them.

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

# Shares of the tokens to predict that become [MASK] or a random token; the others stay as they are.
MASKED, REPLACED = 0.8, 0.1
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MaskedSequence:
    """A sequence with masked tokens.

    Attributes:
        input_ids: The model's input, after masking [length].
        token_type_ids: Which text of a pair each token belongs to [length].
        places: Positions of the tokens to predict [predicted].
        words: The original token ids at these positions [predicted].
        follows: Whether a pair's second text follows the first one in the corpus; None if the sequence is no pair.
        weight: Factor on the sum of the token losses, such that the mean over a step's sequences is the mean over its
            predicted tokens.
    """

    input_ids: Ids
    token_type_ids: Ids
    places: Ids
    words: Ids
    follows: bool | None
    weight: float = 1.0

    @property
    def size(self) -> int:
        """Number of tokens."""
        return len(self.input_ids)


class Masker:
    """Reads sampled sequences and masks some of their tokens."""

    def __init__(self, tokens: TokenFile, tokenizer: Any, *, share: float, seed: int) -> None:
        """Args: the corpus, its tokenizer, the share of tokens to predict, and the random seed."""
        self._tokens, self._share, self._seed = tokens, share, seed
        self._tokenizer, self._templates = tokenizer, dict[int, Template]()
        self._special = np.array(sorted(tokenizer.all_special_ids))
        self._words = np.setdiff1d(np.arange(len(tokenizer)), self._special)
        self._mask_id, self._separator = tokenizer.mask_token_id, tokenizer.sep_token_id

    def __call__(self, sampled: SampledSequence) -> MaskedSequence:
        """Read and mask a sampled sequence; its masks are a function of the seed and the sequence's key."""
        generator = default_rng((self._seed, *sampled.key))
        texts = [self._read(spans) for spans in sampled.texts]
        ids, types, _ = self._template(len(texts)).around(*texts)
        return self._masked(np.array(ids), np.array(types), sampled.follows, generator)

    def step(self, sampled_sequences: Sequence[SampledSequence]) -> list[MaskedSequence]:
        """Read and mask the sequences of one step, and weight them."""
        return weighted([self(sampled) for sampled in sampled_sequences])

    def _template(self, texts: int) -> Template:
        if texts not in self._templates:
            self._templates[texts] = learnt_template(self._tokenizer, texts)
        return self._templates[texts]

    def _read(self, spans: Sequence[TokenSpan]) -> list[int]:
        """Read a text's tokens, with a separator between spans, which are of different documents."""
        ids: list[int] = []
        for index, (start, end) in enumerate(spans):
            ids += [self._separator] * (index > 0) + self._tokens.ids[start:end].tolist()
        return ids

    def _masked(self, ids: Ids, types: Ids, follows: bool | None, generator: Generator) -> MaskedSequence:
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
    """Check that the tokenizer has a mask, a separator and a padding token.

    Raises:
        UserError: If it lacks one of them.
    """
    lacking = [name for name in ("mask_token", "sep_token", "pad_token") if getattr(tokenizer, name) is None]
    if lacking:
        raise UserError(
            f"tokenizer.checkpoint: this tokenizer has no {' and no '.join(lacking)}, so no tokens can be masked. "
            "Choose another, or leave checkpoint out."
        )


def weighted(sequences: Sequence[MaskedSequence]) -> list[MaskedSequence]:
    """Return the sequences of one step with their weights set."""
    weight = len(sequences) / max(sum(len(sequence.words) for sequence in sequences), 1)
    return [replace(sequence, weight=weight) for sequence in sequences]

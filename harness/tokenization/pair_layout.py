"""Arrange source and target in the inputs of a model: separately, or concatenated in one text.

An encoder-decoder reads the source with its encoder, and its decoder generates the target. A language model has one
text: source, separator, target, end (Radford et al. 2018, "Improving Language Understanding by Generative
Pre-Training", section 3.3; Liu et al. 2018, "Generating Wikipedia by Summarizing Long Sequences", section 4.2.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.errors import UserError
from harness.tokenization.as_text import letters_of_controls, token_ids

FEWEST_PLACES = 8
"""Minimum number of tokens left for a source, if source and target are one text."""


@dataclass(frozen=True, slots=True)
class TargetTokens:
    """An encoded target.

    Attributes:
        ids: The tokens of the target and the special tokens around them.
        judged: Indices in `ids` of the tokens that are scored: those of the target and the end token. Special tokens
            at the start, which are always the same, and the end of a truncated target are learnt, but not scored.
        is_cut: Whether the target is truncated.
    """

    ids: list[int]
    judged: range
    is_cut: bool


class PairLayout(Protocol):
    """How source and target are arranged in the inputs of a model that generates text."""

    @property
    def is_one_text(self) -> bool:
        """Whether the target continues the source in one text."""

    def places_for_source(self, longest: int | None, most: int) -> int | None:
        """Return the maximum number of tokens in a source, or None if there is no limit.

        Args:
            longest: Maximum number of tokens in the model's input; None if there is no limit.
            most: Maximum number of tokens to generate, or 0.

        Raises:
            UserError: If the model cannot generate that many.
        """

    def targets(self, tokenizer: Any, texts: Sequence[str], most: int) -> list[TargetTokens]:
        """Encode targets. Special tokens in them are encoded as plain text."""


@dataclass(frozen=True)
class Apart:
    """The layout of encoder-decoders. The tokenizer adds special tokens to targets, by its rules for targets if any.

    Attributes:
        start: The first token of the decoder's input. It is removed from the start of targets, as it is not generated.
    """

    start: int | None = None
    is_one_text = False

    def places_for_source(self, longest: int | None, most: int) -> int | None:
        """Return the model's limit; see `PairLayout`."""
        if longest is not None and most > longest:
            raise UserError(f"max_target_length: {most}, but this model writes at most {longest} tokens. Lower it.")
        return longest

    def targets(self, tokenizer: Any, texts: Sequence[str], most: int) -> list[TargetTokens]:
        """Encode with the tokenizer's rules for targets; see `PairLayout`."""
        if not texts:  # Which tokenizers refuse.
            return []
        extra = {"split_special_tokens": True} if tokenizer.is_fast else {}
        found = tokenizer(
            text_target=list(texts),
            return_attention_mask=False,
            return_special_tokens_mask=True,
            verbose=False,
            **extra,
        )
        letters = letters_of_controls(tokenizer)
        rows = zip(found["input_ids"], found["special_tokens_mask"], strict=True)
        return [self._target(*_as_text(ids, special, letters), most) for ids, special in rows]

    def _target(self, ids: list[int], special: list[int], most: int) -> TargetTokens:
        if special and special[0] and ids[0] == self.start and len(ids) > 1:
            ids, special = ids[1:], special[1:]
        before = next((place for place, is_special in enumerate(special) if not is_special), len(ids) - 1)
        behind = next((place for place in range(before, len(ids)) if special[place]), len(ids) - 1)
        if len(ids) <= most:
            return TargetTokens(ids, range(before, behind + 1), is_cut=False)
        if most < before + 2:
            raise UserError(
                f"max_target_length: {most}, but this tokenizer puts {before} special token(s) before a target and one "
                f"at its end. Set it to {before + 2} or more."
            )
        return TargetTokens([*ids[: most - 1], ids[-1]], range(before, most - 1), is_cut=True)


def _as_text(
    ids: list[int], special: list[int], letters_of: Mapping[int, Sequence[Sequence[int]]]
) -> tuple[list[int], list[int]]:
    """Replace control tokens that a target spells by their letters, in its ids and in the mask of special tokens."""
    if not any(token in letters_of and not is_special for token, is_special in zip(ids, special, strict=True)):
        return ids, special
    pieces = [
        [(piece, 0) for letter in letters_of[token] for piece in letter]
        if token in letters_of and not is_special
        else [(token, is_special)]
        for token, is_special in zip(ids, special, strict=True)
    ]
    flat = [pair for piece in pieces for pair in piece]
    return [token for token, _ in flat], [is_special for _, is_special in flat]


@dataclass(frozen=True)
class Joined:
    """The layout of language models: source, separator, target, end. The tokenizer adds the separator to each source.

    Attributes:
        end: The token at the end of a target.
    """

    end: int
    is_one_text = True

    def places_for_source(self, longest: int | None, most: int) -> int | None:
        """Return what targets leave of the model's limit; see `PairLayout`."""
        if longest is None:
            return None
        if longest - most < FEWEST_PLACES:
            raise UserError(
                f"max_target_length: {most}, but this model has positions for {longest} tokens, source and target "
                f"together. Set it to {max(longest - FEWEST_PLACES, 1)} or less."
            )
        return longest - most

    def targets(self, tokenizer: Any, texts: Sequence[str], most: int) -> list[TargetTokens]:
        """Encode each target with the end token; see `PairLayout`."""
        return [self._target(ids, most) for ids in token_ids(tokenizer, texts)]

    def _target(self, ids: list[int], most: int) -> TargetTokens:
        if len(ids) < most:
            return TargetTokens([*ids, self.end], range(len(ids) + 1), is_cut=False)
        return TargetTokens([*ids[: most - 1], self.end], range(most - 1), is_cut=True)


APART = Apart()

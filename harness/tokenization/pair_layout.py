"""How a source and its target lie before a model that writes: apart, or one behind the other in one text.

An encoder–decoder reads the source with its encoder, and its decoder writes the target. A language model has one text:
source, separator, target, end (Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training",
section 3.3; Liu et al. 2018, "Generating Wikipedia by Summarizing Long Sequences", section 4.2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.errors import UserError
from harness.tokenization.as_text import token_ids

FEWEST_PLACES = 8
"""So many a model of one text has for a source, at least."""


@dataclass(frozen=True, slots=True)
class TargetTokens:
    """A target as a model learns to write it.

    Attributes:
        ids: Its tokens, and the special tokens around them.
        judged: Places in `ids` of what must be written: the target's own tokens and the token at its end. Special
            tokens in front, which are always the same, and the end of a target that is cut are learnt, not judged.
        is_cut: Whether the target is longer.
    """

    ids: list[int]
    judged: range
    is_cut: bool


class PairLayout(Protocol):
    """How a model that writes is given a source and its target."""

    @property
    def is_one_text(self) -> bool:
        """Whether a target is written on behind its source."""

    def places_for_source(self, longest: int | None, most: int) -> int | None:
        """Tokens of a source that the model can read; None: any number.

        Args:
            longest: Tokens that the model has places for; None: any number.
            most: Most tokens that are to be written; 0: none.

        Raises:
            UserError: The model has no places for so many.
        """

    def targets(self, tokenizer: Any, texts: Sequence[str], most: int) -> list[TargetTokens]:
        """The texts as they are to be written: what they spell is text, special tokens too.

        Args:
            tokenizer: A transformers tokenizer.
            texts: The texts.
            most: Most tokens of each.
        """


@dataclass(frozen=True)
class Apart:
    """An encoder–decoder's: the tokenizer frames a target as it does a source, or as it says for targets.

    Attributes:
        start: The token that the decoder begins with. In front of a target it is not there to be written, and left out.
    """

    start: int | None = None
    is_one_text = False

    def places_for_source(self, longest: int | None, most: int) -> int | None:
        """All that the model has; see `PairLayout`."""
        if longest is not None and most > longest:
            raise UserError(f"max_target_length: {most}, but this model writes at most {longest} tokens. Lower it.")
        return longest

    def targets(self, tokenizer: Any, texts: Sequence[str], most: int) -> list[TargetTokens]:
        """As the tokenizer has targets; see `PairLayout`."""
        extra = {"split_special_tokens": True} if tokenizer.is_fast else {}
        found = tokenizer(
            text_target=list(texts),
            return_attention_mask=False,
            return_special_tokens_mask=True,
            verbose=False,
            **extra,
        )
        rows = zip(found["input_ids"], found["special_tokens_mask"], strict=True)
        return [self._target(ids, special, most) for ids, special in rows]

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


@dataclass(frozen=True)
class Joined:
    """A language model's: source, separator, target, end. The tokenizer puts the separator behind every source.

    Attributes:
        end: The token at a target's end.
    """

    end: int
    is_one_text = True

    def places_for_source(self, longest: int | None, most: int) -> int | None:
        """What targets leave of the model's places; see `PairLayout`."""
        if longest is None:
            return None
        if longest - most < FEWEST_PLACES:
            raise UserError(
                f"max_target_length: {most}, but this model has places for {longest} tokens, source and target "
                f"together. Set it to {max(longest - FEWEST_PLACES, 1)} or less."
            )
        return longest - most

    def targets(self, tokenizer: Any, texts: Sequence[str], most: int) -> list[TargetTokens]:
        """Each with the token at its end; see `PairLayout`."""
        return [self._target(ids, most) for ids in token_ids(tokenizer, texts)]

    def _target(self, ids: list[int], most: int) -> TargetTokens:
        if len(ids) < most:
            return TargetTokens([*ids, self.end], range(len(ids) + 1), is_cut=False)
        return TargetTokens([*ids[: most - 1], self.end], range(most - 1), is_cut=True)


APART = Apart()

"""The text of single tokens, for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

BEGINS_WORD = ("Ġ", "▁")
MOST_BYTES = 4
"""Of a character in UTF-8."""
_BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class TokenTexts:
    """The texts of a tokenizer's tokens."""

    tokenizer: Any

    def whole_characters(self, token_ids: Sequence[int]) -> list[tuple[int, str]]:
        """The tokens' texts, spaced, each with its number of tokens: more than one if they are bytes of a character."""
        found: list[tuple[int, str]] = []
        place = 0
        while place < len(token_ids):
            count = self._whole(token_ids[place : place + MOST_BYTES])
            found.append((count, self.spaced(*token_ids[place : place + count])))
            place += count
        return found

    def _whole(self, token_ids: Sequence[int]) -> int:
        """The number of tokens that make the first one's characters whole; 1 if they never are."""
        counts = range(1, len(token_ids) + 1)
        return next((count for count in counts if _BROKEN not in self.spaced(*token_ids[:count])), 1)

    def spaced(self, token_id: int, *rest: int) -> str:
        """The text of a token, and of the `rest` of its character, with a space before it where a word begins."""
        token = str(self.tokenizer.convert_ids_to_tokens(token_id))
        if token.startswith("##"):
            return token[2:]
        if not self._marks_words:
            return f" {token}"
        letters = self.tokenizer.decode([token_id, *rest]).strip()
        return f" {letters}" if token.startswith(BEGINS_WORD) else letters

    def bare(self, token_id: int) -> str:
        """The token's text without a space around it, unless it consists of spaces."""
        spaced = self.spaced(token_id)
        return spaced.strip() or spaced

    @cached_property
    def _marks_words(self) -> bool:
        """Whether the tokenizer marks the start of words; others mark continuations, or nothing."""
        return any(token.startswith(BEGINS_WORD) for token in self.tokenizer.tokenize("a a"))

"""The text of single tokens, for people to read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

BEGINS_WORD = ("Ġ", "▁")


@dataclass(frozen=True)
class TokenTexts:
    """The texts of a tokenizer's tokens.

    Attributes:
        tokenizer: A transformers tokenizer.
    """

    tokenizer: Any

    def spaced(self, token_id: int) -> str:
        """The token's text, preceded by a space where a word begins, as far as the tokenizer tells."""
        token = str(self.tokenizer.convert_ids_to_tokens(token_id))
        if token.startswith("##"):
            return token[2:]
        if not self._marks_words:
            return f" {token}"
        letters = self.tokenizer.decode([token_id]).strip()
        return f" {letters}" if token.startswith(BEGINS_WORD) else letters

    def bare(self, token_id: int) -> str:
        """The token's text without a space around it, unless it consists of spaces."""
        spaced = self.spaced(token_id)
        return spaced.strip() or spaced

    @cached_property
    def _marks_words(self) -> bool:
        """Whether the tokenizer marks the start of words; others mark continuations, or nothing."""
        return any(token.startswith(BEGINS_WORD) for token in self.tokenizer.tokenize("a a"))

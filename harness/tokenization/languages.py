"""Which languages the tokenizer of a multilingual model knows, and what it calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from harness.errors import UserError

FEW = 8
"""So many languages a message names."""
_CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]+")  # en_XX of mBART, eng_Latn of NLLB


def known_languages(tokenizer: Any) -> Mapping[str, int]:
    """The token of each language, by what the tokenizer calls it; empty: it knows none.

    Args:
        tokenizer: A transformers tokenizer.
    """
    listed = getattr(tokenizer, "lang_code_to_id", None)  # M2M100's token of "de" is "__de__", and "de" a word's piece.
    if not listed:
        codes = [token for token in tokenizer.all_special_tokens if _CODE.fullmatch(token)]
        listed = {code: tokenizer.convert_tokens_to_ids(code) for code in codes}
    return {code: int(token) for code, token in listed.items() if token not in (None, tokenizer.unk_token_id)}


def language_token(tokenizer: Any, setting: str, language: str) -> int:
    """The token of a language.

    Args:
        tokenizer: A transformers tokenizer.
        setting: The recipe's name for it.
        language: As the recipe has it.

    Raises:
        UserError: The tokenizer does not know it.
    """
    known = known_languages(tokenizer)
    if not known:
        raise UserError(f"{setting}: this model's tokenizer knows no languages (got {language!r}). Leave it out.")
    if language not in known:
        raise UserError(
            f"{setting}: this model's tokenizer does not know the language {language!r}. "
            f"Name one that it knows: {_listed(language, known)}."
        )
    return known[language]


def _listed(wrong: str, known: Mapping[str, int]) -> str:
    """A few of the languages, the one called most like `wrong` first, and how many more there are."""
    few = get_close_matches(wrong, known, n=FEW, cutoff=0.0)
    more = f" and {len(known) - len(few)} more" if len(known) > len(few) else ""
    return f"{', '.join(few)}{more}"

"""Languages of multilingual tokenizers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from harness.errors import UserError

FEW = 8
"""Maximum number of languages listed in a message."""
_CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]+")  # Such as en_XX of mBART and eng_Latn of NLLB.


def known_languages(tokenizer: Any) -> Mapping[str, int]:
    """Return the token id of each language by its code; empty if the tokenizer has none."""
    listed = getattr(tokenizer, "lang_code_to_id", None)  # M2M100 has "__de__" for "de", which is a piece of a word.
    if not listed:
        codes = [token for token in tokenizer.all_special_tokens if _CODE.fullmatch(token)]
        listed = {code: tokenizer.convert_tokens_to_ids(code) for code in codes}
    return {code: int(token) for code, token in listed.items() if token not in (None, tokenizer.unk_token_id)}


def language_token(tokenizer: Any, setting: str, language: str) -> int:
    """Return the token id of a language.

    Raises:
        UserError: If the tokenizer does not know the language.
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
    """List the languages most similar to `wrong`, and count the others."""
    few = get_close_matches(wrong, known, n=FEW, cutoff=0.0)
    more = f" and {len(known) - len(few)} more" if len(known) > len(few) else ""
    return f"{', '.join(few)}{more}"

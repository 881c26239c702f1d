"""Token ids of words, and the position of each word in overlapping windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.tokenization.as_text import control_ids, token_ids
from harness.tokenization.reading import Document, max_context_positions

Pieces = list[list[int]]  # the token ids of each word of a sentence


def word_pieces(tokenizer: Any, sentences: Sequence[Sequence[str]]) -> list[Pieces]:
    """Encode every word of every sentence without special tokens; a word without any piece becomes unknown.

    Words are encoded one by one, so that any tokenizer works, with offsets or without. All but the first word of a
    sentence get a blank before them, as in running text, since byte-level tokenizers encode them differently; unless
    the tokenizer itself puts one before every text. No word becomes a special token.
    """
    blank = _blank_before(tokenizer)
    spelt = [[word if place == 0 else blank + word for place, word in enumerate(words)] for words in sentences]
    forms = list(dict.fromkeys(form for words in spelt for form in words))
    known = dict(zip(forms, _encoded(tokenizer, forms), strict=True))
    unknown = [_unknown(tokenizer)]
    return [[known[form] or unknown for form in words] for words in spelt]


def without_pieces(tokenizer: Any, sentences: Sequence[Sequence[str]]) -> int:
    """Count the words for which the tokenizer has no piece."""
    words = [word for sentence in sentences for word in sentence]
    forms = list(dict.fromkeys(words))
    lost = {form for form, ids in zip(forms, _encoded(tokenizer, forms), strict=True) if not ids}
    return sum(word in lost for word in words)


def places_in_windows(pieces: Pieces, document: Document) -> tuple[tuple[int, int], ...]:
    """Locate each word's first piece: the window with the most context for it, and the position in input_ids."""
    firsts, position = set(), 0
    for ids in pieces:
        firsts.add(position)
        position += len(ids)
    found = tuple(
        (index, window.first + position - window.positions[0])
        for index, window in enumerate(document.windows)
        for position in max_context_positions(index, document)
        if position in firsts
    )
    assert len(found) == len(pieces), (len(found), len(pieces))
    return found


def _blank_before(tokenizer: Any) -> str:
    """Return the blank before a word in a sentence; empty if a tokenizer such as Llama 2's would then read two."""
    sentence, word, spaced = _encoded(tokenizer, ["a a", "a", " a"])
    return "" if sentence == word + word != word + spaced else " "


def _encoded(tokenizer: Any, forms: Sequence[str]) -> list[list[int]]:
    # Some tokenizers still add a token to each text, such as an end of line.
    controls = control_ids(tokenizer) - {tokenizer.unk_token_id}
    return [[token for token in ids if token not in controls] for ids in token_ids(tokenizer, forms)]


def _unknown(tokenizer: Any) -> int:
    """Return the id for a word without pieces. Byte-level tokenizers have no unknown token, and hardly such words."""
    return int(tokenizer.pad_token_id if tokenizer.unk_token_id is None else tokenizer.unk_token_id)

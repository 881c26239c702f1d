"""Words as token ids, and where each word is read in windows that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.tokenization.as_text import control_ids, token_ids
from harness.tokenization.reading import Document, max_context_positions

Pieces = list[list[int]]  # the token ids of each word of a sentence


def word_pieces(tokenizer: Any, sentences: Sequence[Sequence[str]]) -> list[Pieces]:
    """Token ids of every word of every sentence, special tokens left out; a word without any is read as unknown.

    Words are encoded one by one, so that any tokenizer will do, with offsets or without. All but a sentence's first
    have a blank before them, as in the text that the words make: byte-level tokenizers have other pieces for them. What
    a word spells never becomes a special token.

    Args:
        tokenizer: A transformers tokenizer.
        sentences: The words of each sentence.
    """
    spelt = [[" " * (place > 0) + word for place, word in enumerate(words)] for words in sentences]
    forms = list(dict.fromkeys(form for words in spelt for form in words))
    known = dict(zip(forms, _encoded(tokenizer, forms), strict=True))
    unknown = [_unknown(tokenizer)]
    return [[known[form] or unknown for form in words] for words in spelt]


def without_pieces(tokenizer: Any, sentences: Sequence[Sequence[str]]) -> int:
    """How many of the words the tokenizer gives no piece."""
    words = [word for sentence in sentences for word in sentence]
    forms = list(dict.fromkeys(words))
    lost = {form for form, ids in zip(forms, _encoded(tokenizer, forms), strict=True) if not ids}
    return sum(word in lost for word in words)


def places_in_windows(pieces: Pieces, document: Document) -> tuple[tuple[int, int], ...]:
    """Where each word's first piece is read: the window in which it has the most context, and the place in input_ids.

    Args:
        pieces: The words' token ids.
        document: The windows on them, which leave none out.
    """
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


def _encoded(tokenizer: Any, forms: Sequence[str]) -> list[list[int]]:
    # Some tokenizers add a token to each text all the same, such as an end of line.
    controls = control_ids(tokenizer) - {tokenizer.unk_token_id}
    return [[token for token in ids if token not in controls] for ids in token_ids(tokenizer, forms)]


def _unknown(tokenizer: Any) -> int:
    """What stands for a word of no piece: a tokenizer of bytes has no unknown token, and hardly such words."""
    return int(tokenizer.pad_token_id if tokenizer.unk_token_id is None else tokenizer.unk_token_id)

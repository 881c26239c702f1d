"""Encode special tokens in texts as plain text: "[SEP]", "</s>" or "[MASK]" in a text never becomes a special token.

Tokenizers search texts for their special tokens, so that a text could end itself or be partly masked. Texts in which
one was found are encoded again without the search. If the vocabulary itself contains the token, as sentencepiece's does
in `tokenizers`, its letters are encoded one by one. All other texts keep their encoding, as do those of a tokenizer
that ends each line with such a token: it is for pretokenised text, in which the ends of lines may be marked already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ROLES = ("bos", "eos", "cls", "sep", "pad", "mask")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text's token ids, and the characters [start, end) that each token covers, empty unless requested."""

    ids: list[int]
    offsets: list[tuple[int, int]]


def control_ids(tokenizer: Any) -> frozenset[int]:
    """Return the ids of the tokens that begin, end, separate, pad and mask texts.

    They exclude the unknown token, tokens that a checkpoint adds for use within texts, such as entity markers, and
    ordinary words and signs in these roles, such as "!" for padding.
    """
    named = (
        (getattr(tokenizer, f"{role}_token", None), getattr(tokenizer, f"{role}_token_id", None)) for role in _ROLES
    )
    return frozenset(int(token) for name, token in named if token is not None and _is_no_word(str(name)))


def _is_no_word(name: str) -> bool:
    """Whether a name is enclosed in brackets or the like, as in "[SEP]", "</s>" and "<|endoftext|>"."""
    return len(name) > 2 and not name[0].isalnum() and not name[-1].isalnum()


def has_markers(tokenizer: Any) -> bool:
    """Whether the tokenizer has special tokens that are meant to be used within texts."""
    return bool(set(tokenizer.all_special_ids) - control_ids(tokenizer) - {tokenizer.unk_token_id})


def token_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return each text's token ids, without special tokens."""
    return [encoded.ids for encoded in encoded_as_text(tokenizer, texts, return_offsets=False)]


def encoded_as_text(tokenizer: Any, texts: Sequence[str], *, return_offsets: bool) -> list[Encoded]:
    """Encode texts without special tokens. Slow tokenizers cannot return offsets."""
    return without_controls(tokenizer, texts, _encoded(tokenizer, texts, return_offsets=return_offsets, split=False))


def without_controls(tokenizer: Any, texts: Sequence[str], found: Sequence[Encoded]) -> list[Encoded]:
    """Replace control tokens in encoded texts by what they spell."""
    controls = _found_in_texts(tokenizer)
    places = [place for place, encoded in enumerate(found) if not controls.isdisjoint(encoded.ids)]
    if not places:
        return list(found)
    again = {place: found[place] for place in places}
    if tokenizer.is_fast:  # Some slow tokenizers need the search for ordinary tokens too.
        wanted = any(found[place].offsets for place in places)
        anew = _encoded(tokenizer, [texts[place] for place in places], return_offsets=wanted, split=True)
        again = dict(zip(places, anew, strict=True))
    letters = letters_of_controls(tokenizer)
    return [_spelt_out(again[place], letters) if place in again else encoded for place, encoded in enumerate(found)]


def letters_of_controls(tokenizer: Any) -> dict[int, list[list[int]]]:
    """Return the ids of each letter of the control tokens that only occur if a text spells them, by their ids."""
    controls = _found_in_texts(tokenizer) - {tokenizer.unk_token_id}
    return {control: _letters_of(tokenizer, control) for control in controls}


def _encoded(tokenizer: Any, texts: Sequence[str], *, return_offsets: bool, split: bool) -> list[Encoded]:
    """Encode texts; with `split`, a fast tokenizer does not search for special tokens."""
    if not texts:
        return []
    extra = {"split_special_tokens": split, "return_offsets_mapping": return_offsets} if tokenizer.is_fast else {}
    batch = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False, **extra)
    offsets = batch["offset_mapping"] if return_offsets else [[] for _ in texts]
    return [Encoded(ids, spans) for ids, spans in zip(batch["input_ids"], offsets, strict=True)]


def _found_in_texts(tokenizer: Any) -> frozenset[int]:
    """Return the control tokens that only occur if a text spells them: some tokenizers end each line with one."""
    controls = control_ids(tokenizer)
    if tokenizer.is_fast:
        return controls
    return controls.difference(tokenizer("a", add_special_tokens=False)["input_ids"])


def _letters_of(tokenizer: Any, control: int) -> list[list[int]]:
    """Return the ids of each letter of a control token's name, or the unknown token's for letters without any."""
    controls = control_ids(tokenizer)
    unknown = [] if tokenizer.unk_token_id in {None, *controls} else [tokenizer.unk_token_id]
    encoded = _encoded(tokenizer, tokenizer.convert_ids_to_tokens(control), return_offsets=False, split=True)
    return [[token for token in letter.ids if token not in controls] or unknown for letter in encoded]


def _spelt_out(encoded: Encoded, letters_of: Mapping[int, Sequence[Sequence[int]]]) -> Encoded:
    """Replace each control token by its letters."""
    ids: list[int] = []
    offsets: list[tuple[int, int]] = []
    for place, token in enumerate(encoded.ids):
        letters = letters_of.get(token)
        covered = encoded.offsets[place : place + 1]
        ids += [token] if letters is None else [piece for letter in letters for piece in letter]
        if letters is None:
            offsets += covered
        elif covered:
            offsets += _of_letters(covered[0], letters)
    return Encoded(ids, offsets)


def _of_letters(covered: tuple[int, int], letters: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the characters of each letter's pieces, or the whole token's unless it covers one character per letter."""
    start, end = covered
    each = [(start + place, start + place + 1) for place in range(len(letters))]
    if end - start != len(letters):
        each = [covered] * len(letters)
    return [place for place, letter in zip(each, letters, strict=True) for _ in letter]

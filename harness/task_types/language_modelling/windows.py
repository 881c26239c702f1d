"""Which tokens of a document each of its windows predicts, and what its tokenizer loses of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.tokenization.encoding import encode
from harness.tokenization.reading import Document, Reader, Window, max_context_positions


def next_tokens(document: Document) -> Iterator[Window]:
    """Each window, to predict the tokens that no window before has read.

    A token with nothing before it, not even a special token, is not predicted.
    """
    read = 0
    for window in document.windows if document.total else ():
        start = window.first + read - window.positions[0]
        stop = window.first + len(window.positions)
        read = window.positions[-1] + 1
        if places := range(max(start, 1), stop):
            yield replace(window, scored_tokens=places)


def masked_tokens(document: Document, every: int) -> Iterator[Window]:
    """Each window, to predict every n-th token of the document, where that has the most context.

    Of a document of fewer tokens it is the middle one.
    """
    offset = min(every, document.total) // 2
    for index, window in enumerate(document.windows):
        own = (place for place in max_context_positions(index, document) if place % every == offset)
        if places := [place - window.positions[0] + window.first for place in own]:
            yield replace(window, scored_tokens=places)


def losses_of_tokenizer(texts: Sequence[str], reader: Reader) -> list[str]:
    """What a reader should know of what the tokenizer loses of the texts: nothing, or one sentence.

    A document's characters are compared with those that its tokens spell, wherever they stand.
    """
    tokenizer = reader.tokenizer
    encoded = encode(tokenizer, texts, return_offsets=False)
    lost = sum(_lost(text, _spelt(tokenizer, tokens.ids)) for text, tokens in zip(texts, encoded, strict=True))
    tokens = sum(len(text.ids) for text in encoded)
    unknown = sum(text.ids.count(tokenizer.unk_token_id) for text in encoded)
    if not lost and not unknown:
        return []
    characters = sum(map(len, texts))
    return [
        f"the tokenizer loses {lost / characters:.2%} of the test split's characters, and {unknown / tokens:.2%} of "
        "its tokens stand for unknown words: what is lost costs little, so don't compare bits per byte "
        "across tokenizers"
    ]


def _spelt(tokenizer: Any, ids: Sequence[int]) -> str:
    """What the tokens spell; an end-of-sentence token within a text stands for a line's end."""
    text = str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
    return text.replace(tokenizer.eos_token, "\n") if tokenizer.eos_token else text


def _lost(text: str, spelt: str) -> int:
    """How many of the text's characters are not spelt."""
    return sum((Counter(text) - Counter(spelt)).values())

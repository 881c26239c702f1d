"""The tokens that each window of a document predicts, and what the tokenizer loses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.tokenization.encoding import encode
from harness.tokenization.reading import Document, Reader, Window, max_context_positions


def next_tokens(document: Document) -> Iterator[Window]:
    """Yield each window with the tokens to predict: those that no earlier window has read.

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
    """Yield windows that predict every n-th token of the document, each in the window with the most context for it.

    In a document with fewer tokens, the middle one is predicted.
    """
    offset = min(every, document.total) // 2
    for index, window in enumerate(document.windows):
        own = (place for place in max_context_positions(index, document) if place % every == offset)
        if places := [place - window.positions[0] + window.first for place in own]:
            yield replace(window, scored_tokens=places)


def losses_of_tokenizer(texts: Sequence[str], reader: Reader) -> list[str]:
    """Report how much of the texts the tokenizer loses, in one sentence or none.

    The characters of a document are compared with those of its decoded tokens, regardless of position.
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
    """Decode the tokens. An end-of-sentence token within a text is a line break."""
    text = str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
    return text.replace(tokenizer.eos_token, "\n") if tokenizer.eos_token else text


def _lost(text: str, spelt: str) -> int:
    """Count the characters of the text that are missing from the decoded one."""
    return sum((Counter(text) - Counter(spelt)).values())

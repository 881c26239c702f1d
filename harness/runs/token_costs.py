"""The cost of each token of a text for a language model: its negative log-probability in nats, with its characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text
from torch import Tensor

from harness.output import plain_table
from harness.task_types.language_modelling import DocumentExample
from harness.task_types.language_modelling.objective import TokenLossObjective
from harness.tokenization.encoding import encode
from harness.tokenization.items import Batch, Collator, Features

Span = tuple[int, int, str]
"""The characters [start, end) of the text that a token covers, and their text."""


class EachToken(TokenLossObjective):
    """The cost of each token instead of a document's sum: the outputs are the nats of each item."""

    def results(self, scores: Tensor, batch: Batch, _collator: Collator) -> list[list[float]]:  # type: ignore[override]
        """The nats of the tokens that each item predicts, in order."""
        scored = batch.inputs["scored_tokens"].bool().cpu()
        return [row[places].tolist() for row, places in zip(scores.cpu(), scored, strict=True)]

    def outputs(  # type: ignore[override]
        self, results: Sequence[list[float]], _features: Features, _examples: Sequence[DocumentExample]
    ) -> list[list[float]]:
        """The results in the order of the items."""
        return list(results)


def token_spans(tokenizer: Any, text: str) -> list[Span]:
    """The characters of each token; an empty span for tokens such as a word-start mark that cover none."""
    (encoded,) = encode(tokenizer, [text], return_offsets=True)
    return [(start, end, text[start:end]) for start, end in encoded.offsets]


def token_costs(nats: Mapping[int, float], spans: Sequence[Span]) -> list[dict[str, Any]]:
    """The start, end, text and nats of each predicted token, in the order of the text.

    Args:
        nats: The nats by token index in the text, from 0.
        spans: The spans of all tokens.
    """
    keys = ("start", "end", "text")
    return [dict(zip(keys, spans[place], strict=True)) | {"nats": nats[place]} for place in sorted(nats)]


def by_place(features: Features, nats: Sequence[Sequence[float]]) -> dict[int, float]:
    """The nats by token index in the text, from 0.

    Args:
        features: The features of one text, in items of one window each.
        nats: The nats of each item.
    """
    found: dict[int, float] = {}
    for item, each in zip(features.items, nats, strict=True):
        (window,) = item.windows
        places = (window.positions[place - window.first] for place in window.scored_tokens)
        found.update(zip(places, each, strict=True))
    return found


def token_rows(rows: Sequence[Mapping[str, Any]], key: str) -> list[dict[str, Any]]:
    """One row per token, with the memory length that it was read with, to write to a file.

    Args:
        rows: One row per reading of the text.
        key: The key of the token costs in a row.
    """
    return [
        {name: row[name] for name in ("model", "text", "memory") if name in row} | {"token": token.pop("text"), **token}
        for row in rows
        for token in map(dict, row[key])
    ]


def token_table(rows: Sequence[Mapping[str, Any]], key: str) -> Table:
    """One line per token of the text: its position, its text, and its cost in each reading.

    Args:
        rows: One row per reading of the text, all with the same tokens.
        key: The key of the token costs in a row.
    """
    nats = [f"nats, memory {row['memory']}" for row in rows] if len(rows) > 1 else ["nats"]
    table = plain_table("start", "token", *nats, numbers_from=2)
    for tokens in zip(*(row[key] for row in rows), strict=True):
        first = tokens[0]
        table.add_row(str(first["start"]), Text(repr(first["text"])), *(f"{token['nats']:.3f}" for token in tokens))
    return table

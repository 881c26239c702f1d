"""Rows: texts in the form in which the example scripts of transformers pass them to a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.loops.shapes import CLASSIFIER
from benchmarks.loops.texts import Texts

Row = dict[str, Any]


def auto_class(texts: Texts) -> str:
    """The name of transformers' class with the texts' head."""
    return "AutoModelForQuestionAnswering" if texts.kind == "question_answering" else CLASSIFIER


def rows_of(texts: Texts, tokenizer: Any) -> list[Row]:
    """One row an example, in order: the ids that every loop reads."""
    _, features = texts.features(tokenizer, texts.recipe())
    rows = []
    for item in features.items:
        (window,) = item.windows
        row = {"input_ids": window.input_ids, "token_type_ids": window.token_type_ids}
        row["attention_mask"] = [1] * len(window.input_ids)
        if texts.kind == "question_answering":
            row |= {"start_positions": item.target.start, "end_positions": item.target.end}
        else:
            row["label"] = item.target
        rows.append(row)
    return rows


def padded_rows(rows: Sequence[Row], pad_id: int, length: int) -> list[Row]:
    """The rows with padding up to `length` tokens."""
    fillers = {"input_ids": pad_id, "token_type_ids": 0, "attention_mask": 0}
    return [
        {**row, **{name: [*row[name], *[filler] * (length - len(row[name]))] for name, filler in fillers.items()}}
        for row in rows
    ]

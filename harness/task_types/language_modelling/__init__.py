"""Language modelling: how well a model predicts whole documents, token by token."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from harness.config.checking import Strict
from harness.data.fields import FieldError, text_field
from harness.data.rows import group_of
from harness.data.sampled_columns import SampledColumn
from harness.data.task import Example, Row, Task
from harness.task_types.contract import Column, TaskType
from harness.task_types.language_modelling.metrics import METRICS


@dataclass(frozen=True, slots=True)
class DocumentExample(Example):
    """A whole text, in which each token is predicted from the others."""

    id: str
    text: str
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The text."""
        return (self.text,)


class Settings(Strict):
    """Training settings of language modelling.

    Attributes:
        mask_stride: A masked model predicts every n-th token of a document, one at a time; only that token is masked.
    """

    renamed: ClassVar[Mapping[str, str]] = {"hidden_every": "mask_stride"}

    mask_stride: int = Field(8, ge=1)


class ExplainSettings(Strict):
    """Options of `harness explain` in language modelling."""

    token: str | None = Field(
        None,
        description="The number of the token to explain, from 1. Default: the least expected one (language modelling).",
    )


class LanguageModelling(TaskType):
    """The task type."""

    name = "language_modelling"
    columns: Mapping[str, Column] = {"text": Column("The column of the text.")}
    inputs = ("text",)
    predict_options: Mapping[str, str] = {"text": "A text; give it twice for a pair."}
    metrics = METRICS
    default_metrics = (
        "bits_per_byte",
        "perplexity",
        "bits_per_character",
        "pseudo_perplexity",
        "pseudo_bits_per_byte",
    )
    settings = Settings
    unused_settings = ("strategy", "pool")
    explain_settings = ExplainSettings
    guess_rank = 5
    scored_as_found = True

    def guess_columns(
        self, columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """Return the only column of texts, if there is no other column except identifiers."""
        left = [column for column in columns.values() if not column.is_identifier]
        alone = len(left) == 1 and left[0].mean_length > 0 and not left[0].numbers and named.keys() <= {"text"}
        return {"text": named.get("text", (left[0].name,))} if alone else None

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept texts, but no values that repeat, such as labels whose texts are elsewhere."""
        (texts, *others) = columns["text"]
        repeat = 2 * len(texts.values) <= len(texts.fields)
        return None if others or repeat else "texts without labels"

    def example(
        self, task: Task, row: Row, identity: str, *, split: str, labels: tuple[str, ...], dropped: Counter[str]
    ) -> DocumentExample:
        """Convert a row to an example."""
        text = text_field(row, task.column("text"))
        if not text.strip():
            column = task.column("text")
            raise FieldError(f"{column}: an empty document (got {text!r:.100}). Fill it, or leave the row out.")
        return DocumentExample(identity, text, group_of(task, row))

    def blank_reason(self, _role: str) -> str:
        """Say that the document is blank."""
        return "that are blank"

    def unlabelled(self, task: Task, row: Row, identity: str) -> DocumentExample:
        """Convert a row to a document for prediction."""
        return DocumentExample(identity, text_field(row, task.column("text")))

    def pipeline_tag(self, test_scores: Mapping[str, float]) -> str:
        """Return the Hub's pipeline tag. A masked model has no bits per byte, only pseudo-bits per byte."""
        return "fill-mask" if math.isnan(test_scores.get("bits_per_byte", 0.0)) else "text-generation"

    def wrongness(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> float:
        """Return the nats per byte."""
        costs, size = answer["prediction"], answer["reference"]
        nats = costs["nats"] if costs["nats"] is not None else costs["masked_nats"]
        return float(nats or 0) / max(int(size["bytes"]), 1)

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Return False: each document has costs of its own."""
        return False

    def predicted(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> dict[str, Any]:
        """Return the cost of the document."""
        return {"prediction": answer["prediction"]}


task_type = LanguageModelling()

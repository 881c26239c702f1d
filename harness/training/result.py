"""Outcome: what fine-tuning, or fitting a floor, hands over to the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.metrics.lookup import scores
from harness.record import CurvePoint, Pretraining, Tokens

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A trained model's judgement, and how to keep it.

    Attributes:
        rows: A row a test example: id, group, length, reference, prediction and the kind's scores.
        scores: Metrics by split.
        labels: Names in the order of the logits.
        save: Writes the checkpoint into a folder.
        curve: One point an evaluation.
        best_step: The step whose weights were kept.
        calibration: What the kind chose on validation.
        parameters: Numbers in the model.
        tokens: Total and seen, by split.
        unreachable_answers: The share of answers that the tokens don't give back, by split; see `Counts`.
        train_tokens: Tokens that training read, special ones included.
        train_items: Items that training read.
        training_flops: An estimate; see `flops.py`.
        checkpoint_digest: SHA-256 of the weights that training began with.
        hub_commit: The commit that a Hub id stood for.
        pretraining: How far the weights were pretrained, where that is known.
        hardware: What the run ran on.
        notes: What a reader should know.
    """

    rows: Sequence[Row]
    scores: dict[str, dict[str, float]]
    labels: tuple[str, ...]
    save: Callable[[Path], None]
    curve: Sequence[CurvePoint] = ()
    best_step: int | None = None
    calibration: dict[str, float] = field(default_factory=dict)
    parameters: int = 0
    tokens: dict[str, Tokens] = field(default_factory=dict)
    unreachable_answers: dict[str, float] = field(default_factory=dict)
    train_tokens: int = 0
    train_items: int = 0
    training_flops: float = 0.0
    checkpoint_digest: str = ""
    hub_commit: str | None = None
    pretraining: Pretraining | None = None
    hardware: dict[str, str | int] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Stopwatch:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Count the time inside to `phase`."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(phase, time.monotonic() - started)

    def add(self, phase: str, seconds: float) -> None:
        """Count `seconds` to `phase`."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds


def judged(rows: Sequence[Row], metrics: Sequence[str], labels: tuple[str, ...]) -> dict[str, float]:
    """The metrics of rows of predictions."""
    return scores(metrics, [row["reference"] for row in rows], [row["prediction"] for row in rows], labels)


def identified(rows: Sequence[Row], examples: Sequence[Any], lengths: Sequence[int]) -> list[Row]:
    """The rows with their examples' id, group and length in front."""
    return [
        {"id": example.id, "group": example.group, "length": length, **row}
        for row, example, length in zip(rows, examples, lengths, strict=True)
    ]

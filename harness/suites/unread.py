"""Remarks after runs: text that was never read, answers that can't be produced, and rare labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.record import RunRecord

WARNED_SHARE = 0.02
SEE = "See strategy (windows reads a whole text, unless a target is written), max_length and max_windows."


def unreachable_lines(record: RunRecord) -> list[tuple[str, bool]]:
    """A line for each split with answers that the model can't produce, and whether it is a warning."""
    return [
        (_unreachable(record, split, share), share > WARNED_SHARE)
        for split, share in record.counts.unreachable_answers.items()
        if share > 0
    ]


def _unreachable(record: RunRecord, split: str, share: float) -> str:
    causes = record.counts.unreachable_causes.get(split, {})
    counted = ", ".join(f"{count} {cause}" for cause, count in sorted(causes.items(), key=lambda item: -item[1]))
    return f"{record.task}, {record.model}: {share:.1%} of the {split} answers can't be given as they are: {counted}"


def never_read_lines(records: Iterable[RunRecord]) -> list[str]:
    """A line for each task whose texts a model truncated: the largest share, with the model."""
    most: dict[str, tuple[float, str]] = {}
    for record in records:
        split = "validation" if record.is_validation_only else "test"
        tokens = record.counts.tokens.get(split)
        if tokens is not None and tokens.seen < tokens.total:
            share = 1 - tokens.seen / tokens.total
            line = f"{record.task}: {share:.1%} of the {split} split's tokens were never read ({record.model})."
            most[record.task] = max(most.get(record.task, (0.0, "")), (share, line))
    return [f"{line} {SEE}" for _, line in most.values()]


def rare_label_lines(records: Iterable[RunRecord]) -> list[str]:
    """A line for each task with a rare label to which no model gave a larger weight."""
    by_task: dict[str, list[RunRecord]] = {}
    for record in records:
        by_task.setdefault(record.task, []).append(record)
    return [f"{task}: {advice}" for task, found in by_task.items() if (advice := rare_label_advice(found))]


def rare_label_advice(records: Sequence[RunRecord]) -> str:
    """Name the rare label of a task, and a remedy; "" if there is none, or a model gave it a larger weight."""
    rare = next((record.counts.rare_label for record in records if record.counts.rare_label is not None), None)
    if rare is None or any(gives_weight(record.config.get("training", {})) for record in records):
        return ""
    metric = rare.metrics[0]
    return (
        f"{rare}. With --set class_weights=balanced all labels count equally in training, with {metric} in the score."
    )


def gives_weight(settings: Mapping[str, Any]) -> bool:
    """Return whether a recipe weights rare labels or hard examples more."""
    return bool(settings.get("class_weights") or settings.get("focal_gamma"))

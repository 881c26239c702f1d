"""What is said after runs of what their models never read, and of answers that none of them could give."""

from __future__ import annotations

from collections.abc import Iterable

from harness.record import RunRecord

WARNED_SHARE = 0.02


def unreachable_lines(record: RunRecord) -> list[tuple[str, bool]]:
    """A line for each split with answers that the model can't give as they are, and whether it is a warning."""
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
    """A line for each task of whose texts a model did not read all: the largest share, and of which model."""
    most: dict[str, tuple[float, str]] = {}
    for record in records:
        split = "validation" if record.is_validation_only else "test"
        tokens = record.counts.tokens.get(split)
        if tokens is not None and tokens.seen < tokens.total:
            share = 1 - tokens.seen / tokens.total
            line = f"{record.task}: {share:.1%} of the {split} split's tokens were never read ({record.model})."
            most[record.task] = max(most.get(record.task, (0.0, "")), (share, line))
    return [f"{line} See strategy, max_length and max_windows." for _, line in most.values()]

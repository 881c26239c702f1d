"""The columns of the table of inference costs, as measured by `harness measure`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.comparison.formatting import amount, duration, memory
from harness.comparison.results import Cell
from harness.reporting.columns import MODEL, Column, Field, Footnote
from harness.reporting.entries import GAP, Entry
from harness.runs.inference_cost import InferenceCost


def is_measured(cell: Cell) -> bool:
    """Return whether the model's inference cost was measured."""
    return cell.in_use is not None


def _in_use(text: Callable[[InferenceCost], str]) -> Field:
    return lambda cell, _: GAP if cell.in_use is None else Entry(text(cell.in_use))


def milliseconds(seconds: float) -> str:
    """Format a latency, such as 12.3 ms; from a second on like other durations."""
    return f"{1000 * seconds:.3g} ms" if seconds < 0.9995 else duration(seconds)


IN_USE: Sequence[Column] = (
    MODEL,
    Column(
        "One text, median",
        _in_use(lambda cost: milliseconds(cost.latency_p50)),
        footnotes=(
            Footnote(
                "Cost in use is of one run, on the task's own texts, tokenised within the times. 95 of 100 single "
                "texts take less than the second figure; texts per second are those of the best size of batch. "
                "“Disturbed”: other processes took more than 15 % of a core meanwhile, so the model may be faster.",
                is_measured,
            ),
        ),
    ),
    Column("95 of 100 below", _in_use(lambda cost: milliseconds(cost.latency_p95))),
    Column("Texts/s (batch)", _in_use(lambda cost: f"{amount(cost.texts_per_second)} ({cost.batch_size})")),
    Column("Peak memory", _in_use(lambda cost: memory(float(cost.peak_memory_bytes)))),
    Column("Disk", _in_use(lambda cost: memory(float(cost.disk_bytes)))),
    Column(
        "Disturbed",
        _in_use(lambda cost: "yes" if cost.is_disturbed else "no"),
        concerns=lambda cell: cell.in_use is not None and cell.in_use.is_disturbed,
    ),
)

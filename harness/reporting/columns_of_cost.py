"""The columns of the table of training costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.comparison.costs import Cost
from harness.comparison.formatting import NOTHING, amount, duration, memory
from harness.comparison.results import Cell
from harness.metrics.metric import Unit
from harness.reporting.columns import MODEL, Column, Field, Footnote, faint_gap
from harness.reporting.entries import Entry
from harness.runs.inference_cost import DISTURBED


def _cost(text: Callable[[Cost], str]) -> Field:
    def field(cell: Cell, _unit: Unit) -> Entry:
        assert cell.cost is not None, "the table has the models with a cost alone"
        return faint_gap(text(cell.cost))

    return field


def _on_the_clock(cost: Cost) -> str:
    """The range of wall-clock training times."""
    if cost.train_seconds_least is None:
        return NOTHING
    return " – ".join(dict.fromkeys(map(duration, (cost.train_seconds_least, cost.train_seconds_most))))


def _machine(cell: Cell, _unit: Unit) -> Entry:
    """The machine of the runs that count, with their number if it is not all."""
    assert cell.cost is not None, "the table has the models with a cost alone"
    counted, made = cell.cost.timed_runs, sum(len(run.trainings) for run in cell.scored)
    return faint_gap(f"{cell.cost.machine or NOTHING}{'' if counted == made else f' ({counted} of {made} runs)'}")


def _is_timed_twice(cell: Cell) -> bool:
    return cell.cost is not None and cell.cost.train_processor_seconds is not None


def _is_disturbed(cell: Cell) -> bool:
    return cell.cost is not None and (cell.cost.others_processors or 0.0) > DISTURBED


def _trains_a_part(cell: Cell) -> bool:
    """Return whether the number of trained parameters differs from the model's; earlier versions did not count them."""
    cost = cell.cost
    return cost is not None and cost.trained_parameters not in (None, cost.parameters)


COSTS: Sequence[Column] = (
    MODEL,
    Column("Parameters", _cost(lambda cost: amount(cost.parameters))),
    Column(
        "Trained parameters",
        _cost(lambda cost: amount(cost.trained_parameters)),
        concerns=_trains_a_part,
    ),
    Column(
        "Training time",
        _cost(lambda cost: duration(cost.training_time)),
        footnotes=(
            Footnote(
                "Training time: processor time of all threads together, which other work on the machine "
                "hardly changes. On the clock: the shortest and the longest run.",
                lambda cell: cell.cost is not None and cell.cost.train_processor_seconds is not None,
            ),
        ),
    ),
    Column("On the clock", _cost(_on_the_clock), concerns=_is_timed_twice),
    Column(
        "Others busy",
        _cost(lambda cost: NOTHING if cost.others_processors is None else f"{cost.others_processors:.1f}"),
        concerns=_is_disturbed,
        footnotes=(
            Footnote(
                "Others busy: how many processors were busy with other work meanwhile, on average.", _is_disturbed
            ),
        ),
    ),
    Column(
        "Machine",
        _machine,
        concerns=lambda cell: cell.cost is not None and cell.cost.among_machines,
        footnotes=(
            Footnote(
                "Machine: runs of different machines are not averaged. For each model, the runs that "
                "count are those made where most of the task's were made, or else where most of its own "
                "were; times from different machines can't be compared.",
                lambda cell: cell.cost is not None and cell.cost.among_machines,
            ),
        ),
    ),
    Column("Training tokens/s", _cost(lambda cost: amount(cost.train_tokens_per_second))),
    Column("Peak memory", _cost(lambda cost: memory(cost.peak_memory_bytes))),
    Column("Training FLOPs", _cost(lambda cost: amount(cost.training_flops))),
)

"""The cost of a training step of models that write, on packed and on padded pairs, measured in turns.

    python -m benchmarks.pairs                                      # all; writes a file of results/pairs
    python -m benchmarks.pairs --case "scratch-small scan_simple"

Both use the harness's own step, on the task's own pairs in the same batches, which are grouped by the length of source
and target together, so the padded step wastes little. Both run in one process, on one thread, and take turns; seconds
are processor time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from rich.console import Console

from benchmarks.dated import write_table
from benchmarks.families import step_turns
from benchmarks.loops.measured import spread
from benchmarks.loops.tables import Table, busy_notes, spread_text
from benchmarks.loops.turns import Turn, interleaved
from harness.config.model import find_model
from harness.config.training import Training
from harness.data.loading import load_splits
from harness.ops.device import seed_layers
from harness.ops.fast_dropout import with_fast_dropout
from harness.registry import FAMILIES, TASKS
from harness.suites.expansion import with_family
from harness.tokenization.items import length_grouped_batches
from harness.training.task_model import reader_of

COMMAND = "python -m benchmarks.pairs"
CASES = ("scratch-small scan_simple", "scratch-small german_strings", "bert-mini german_strings")
EXECUTIONS = ("padded", "packed")
HEADINGS = ("model and task", "padded, tokens/s", "packed, tokens/s", "x padded", "loss padded", "loss packed")


def main() -> None:
    """Measure a case after the other, and write the table after each."""
    asked, rows, clocks = _asked(), list[tuple[str, ...]](), list[float]()
    torch.set_num_threads(1)
    for case in asked.case or CASES:
        row, clock = raced(case, asked)
        rows.append(row)
        clocks.append(clock)
        table = _table(rows, asked, max(clocks))
        write_table(table, "Pairs packed beside padded", COMMAND, asked.output)
    table.show(Console(width=116))


def raced(case: str, asked: argparse.Namespace) -> tuple[tuple[str, ...], float]:
    """The case's row, and seconds of the clock for each of the processor."""
    model, task = case.split()
    examples = load_splits(TASKS.load(task)).train[: 50 * asked.batch_size]
    known = {execution: contestant(model, task, examples, asked, execution) for execution in EXECUTIONS}
    tokens = known["padded"][1]
    turns = interleaved({execution: turn for execution, (turn, _) in known.items()}, asked.rounds)
    rates = {name: spread([tokens / turn.seconds for turn in of_one]) for name, of_one in turns.items()}
    pairs = zip(turns["packed"], turns["padded"], strict=True)
    every = [turn for of_one in turns.values() for turn in of_one]
    row = (
        case,
        *(spread_text(rates[execution], 0) for execution in EXECUTIONS),
        spread_text(spread([padded.seconds / packed.seconds for packed, padded in pairs]), 2),
        *(f"{mean(turn.value for turn in turns[execution]):.4f}" for execution in EXECUTIONS),
    )
    return row, median(turn.clock / turn.seconds for turn in every)


def contestant(
    model: str, task: str, examples: Sequence[Any], asked: argparse.Namespace, execution: str
) -> tuple[Callable[[], Turn], int]:
    """A model of its own, whose turns are a few batches of an epoch, and the tokens that a turn reads and writes."""
    recipe = Training(
        execution=execution, batch_size=asked.batch_size, micro_batch_size=asked.batch_size, max_target_length=64
    )
    objective = TASKS.load(task).type.objective((), recipe)
    spec = with_family(find_model(model))
    seed_layers(0)
    loaded = FAMILIES.load(str(spec.family)).load(
        spec, objective.head(), labels=(), dropout=None, texts=lambda: [part for one in examples for part in one.parts]
    )
    with_fast_dropout(loaded.model)
    objective = objective.for_training(loaded.model, examples, has_own_head=False)
    items = objective.features(examples, reader_of(loaded, objective, recipe)).items
    batches = length_grouped_batches([item.length for item in items], asked.batch_size, seed=0, epoch=0)
    chosen = [[items[index] for index in batch] for batch in batches[: asked.batches]]
    tokens = sum(item.length for batch in chosen for item in batch)
    return step_turns(loaded, objective, recipe, chosen, asked.rounds), tokens


def _table(rows: Sequence[tuple[str, ...]], asked: argparse.Namespace, clock: float) -> Table:
    title = f"Training, {asked.batches} batches of {asked.batch_size} pairs a turn, fp32"
    return Table(title, HEADINGS, rows, busy_notes(clock))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", help="a model and a task in quotes; default: all; repeatable")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--batches", type=int, default=8, help="a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="default: a dated file of results/pairs")
    return parser.parse_args()


if __name__ == "__main__":
    main()

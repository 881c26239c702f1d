"""The cost of a training step of models that write, on packed and on padded pairs, measured in turns.

    python -m benchmarks.pairs                                      # all; writes a file of results/pairs
    python -m benchmarks.pairs --case "scratch-small scan_simple"

Both use the harness's own step, on the task's own pairs in the same batches, which are grouped by the length of source
and target together, so the padded step wastes little. Both run in one process, on one thread, and take turns; seconds
are processor time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from rich.console import Console

from benchmarks.dated import dated_name
from benchmarks.loops.measured import spread
from benchmarks.loops.tables import BUSY, Table, spread_text
from benchmarks.loops.turns import Turn, interleaved
from benchmarks.training import machine_lines
from harness.config.model import find_model
from harness.config.training import Training
from harness.data.loading import load_splits
from harness.ops.device import fresh_accelerator, seed_dropout, seed_layers
from harness.ops.fast_dropout import with_fast_dropout
from harness.registry import FAMILIES, TASKS
from harness.suites.expansion import with_family
from harness.tokenization.items import length_grouped_batches
from harness.training.optimisation import make_optimizer, make_scheduler
from harness.training.task_model import forward_of, reader_of
from harness.training.trainer import Trainer

COMMAND = "python -m benchmarks.pairs"
RESULTS = Path(__file__).parent / "results" / "pairs"
CASES = ("scratch-small scan_simple", "scratch-small german_strings", "bert-mini german_strings")
EXECUTIONS = ("padded", "packed")
HEADINGS = ("model and task", "padded, tokens/s", "packed, tokens/s", "x padded", "loss padded", "loss packed")


def main() -> None:
    """Measure a case after the other, and write the table after each."""
    asked, rows, clocks = _asked(), list[tuple[str, ...]](), list[float]()
    torch.set_num_threads(1)
    output = asked.output or RESULTS / f"{dated_name()}.md"
    output.parent.mkdir(parents=True, exist_ok=True)
    for case in asked.case or CASES:
        row, clock = raced(case, asked)
        rows.append(row)
        clocks.append(clock)
        table = _table(rows, asked, max(clocks))
        output.write_text("\n".join(["# Pairs packed beside padded", "", *machine_lines(COMMAND), table.markdown()]))
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
    accelerator = fresh_accelerator("fp32", tracker=None, folder=Path())
    objective = objective.for_training(loaded.model, examples, has_own_head=False)
    items = objective.features(examples, reader_of(loaded, objective, recipe)).items
    forward = forward_of(loaded, objective, accelerator, recipe, micro_batch_size=recipe.micro_batch_size)
    optimizer = make_optimizer(loaded.model, recipe)
    batches = length_grouped_batches([item.length for item in items], asked.batch_size, seed=0, epoch=0)
    chosen = [[items[index] for index in batch] for batch in batches[: asked.batches]]
    scheduler = make_scheduler(optimizer, recipe, len(chosen) * (asked.rounds + 1))
    trainer = Trainer(forward, optimizer, scheduler, recipe.max_grad_norm, notes=[], frozen=[])
    seed_dropout(0, 0)

    def turn() -> Turn:
        started = time.process_time(), time.perf_counter()
        losses = [float(trainer.step(batch)) for batch in chosen]
        return Turn(time.process_time() - started[0], time.perf_counter() - started[1], mean(losses))

    return turn, sum(item.length for batch in chosen for item in batch)


def _table(rows: Sequence[tuple[str, ...]], asked: argparse.Namespace, clock: float) -> Table:
    title = f"Training, {asked.batches} batches of {asked.batch_size} pairs a turn, fp32"
    notes = [f"The machine was busy: {clock:.1f} s of the clock for each of the processor."] if clock > BUSY else []
    return Table(title, HEADINGS, rows, notes)


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

"""Training and evaluation compared: transformers' Trainer, an accelerate loop, and the harness.

    make bench                               # everything, in over half an hour; writes a file of results/training
    python -m benchmarks.training --quick    # a part of it, in minutes; prints only

Every loop is its own process, on one thread, and they take turns (`loops/turns.py`), so whatever slows the machine down
affects all of them. `benchmarks/README.md` describes the loops.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.dated import RESULTS, dated_name, machine_lines
from benchmarks.loops.grid import WAYS, Grid, run_grids
from benchmarks.loops.job import LOOPS
from benchmarks.loops.racing import Plan, raced
from benchmarks.loops.tables import Table, case_table
from harness.ops.device import actual_precision
from harness.ops.native import unavailable

EVERY = ("a", "b", "b32", "c", "d", "dwhole", "dplain", "d32", "dpad")
OF_TRAINING = ("dwhole",)  # that evaluate as another one does
FEW = ("a", "b", "d", "dwhole", "dplain", "d32")  # for the largest model: each loop holds one
PLANS = (
    Plan("tiny", "SST-2", EVERY, batches=16),
    Plan("mini", "SST-2", EVERY),
    Plan("mini", "MNLI", EVERY, batches=6),
    Plan("mini", "SQuAD", EVERY, batch_size=8, batches=5),
    Plan("mini", "IMDb", EVERY, batch_size=8, batches=5),
    Plan("base", "MNLI", FEW, batches=3),
)
QUICK = (Plan("tiny", "SST-2", ("a", "b", "c", "d"), batches=8), Plan("mini", "MNLI", ("a", "b", "d"), batches=3))
MODES = ("training", "evaluation")
WIDTH = 116  # characters, that a table takes in a terminal or a file


def main() -> None:
    """Measure, and write after each table, so that a run that is stopped leaves what it has."""
    asked = _asked()
    bf16, tables = actual_precision("auto") == "bf16", []
    console = Console(width=max(Console().width, WIDTH))
    output = asked.output or (None if asked.quick else RESULTS / "training" / f"{dated_name()}.md")
    with tempfile.TemporaryDirectory() as folder:
        for table in _tables(asked, Path(folder), bf16=bf16):
            table.show(console)
            tables.append(table)
            if output is not None:
                output.write_text(markdown(tables), encoding="utf-8")


def markdown(tables: Sequence[Table]) -> str:
    """The tables, and what they were measured on."""
    lines = [
        "# Training loops side by side",
        "",
        *machine_lines("make bench"),
        "One thread a loop but for whole commands; milliseconds of the processor; medians, with the least and the most",
        "of the rounds in brackets. The loss is the mean of the same turns, which read the same texts.",
        "`benchmarks/README.md` says what the loops are, and what is fair about it.",
        "",
        *(table.markdown() for table in tables),
    ]
    return "\n".join(lines)


def _tables(asked: argparse.Namespace, folder: Path, *, bf16: bool) -> Iterator[Table]:
    """A table a case, then one of the grid."""
    for mode in MODES:
        for plan in _plans(asked, mode):
            if mode in (asked.mode or MODES):
                yield case_table(raced(plan, mode, rounds=asked.rounds, folder=folder, bf16=bf16))
    if "grid" in (asked.mode or ["grid"]):
        models, tasks = (("tiny",), ("SST-2",)) if asked.quick else (("tiny", "mini"), ("SST-2", "MNLI"))
        grid = Grid(folder / "grid", models, tasks, seeds=(0, 1), bf16=bf16)
        grid.folder.mkdir()
        ways = [way for way in WAYS if way in (asked.loop or (("b", "d") if asked.quick else WAYS))]
        yield run_grids(grid, ways, rounds=min(asked.rounds, 1 if asked.quick else 2))


def _plans(asked: argparse.Namespace, mode: str) -> Iterator[Plan]:
    """The plans that are asked for, without a loop that would be another one's double here."""
    for plan in QUICK if asked.quick else PLANS:
        chosen = [key for key in asked.loop or plan.loops if mode == "training" or key not in OF_TRAINING]
        loops = tuple(key for key in LOOPS if key in chosen and not (key == "dplain" and unavailable()))
        if f"{plan.shape} {plan.data}" in (asked.case or [f"{plan.shape} {plan.data}"]):
            yield Plan(plan.shape, plan.data, loops, plan.batch_size, plan.batches)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a part, in minutes; prints only")
    cases = [f"{plan.shape} {plan.data}" for plan in PLANS]
    parser.add_argument("--case", action="append", choices=cases, help="default: all; repeatable")
    parser.add_argument("--mode", action="append", choices=[*MODES, "grid"], help="default: all; repeatable")
    parser.add_argument("--loop", action="append", choices=LOOPS, help="default: all; repeatable")
    parser.add_argument("--rounds", type=int, help="default: 3, quick 2")
    parser.add_argument("--output", type=Path, help="default: a dated file of results/training, quick: none")
    asked = parser.parse_args()
    asked.rounds = asked.rounds or (2 if asked.quick else 3)
    return asked


if __name__ == "__main__":
    main()

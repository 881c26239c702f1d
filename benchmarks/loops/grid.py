"""A suite from start to finish: models x tasks x seeds, with `harness run`, and with one Trainer script per run."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import mean

from benchmarks.loops.measured import spread
from benchmarks.loops.shapes import SHAPES, write_checkpoint
from benchmarks.loops.tables import Table, spread_text
from benchmarks.loops.texts import texts_like
from benchmarks.loops.turns import ROOT, interleaved
from harness.task_types.texts import TextExample

BATCH_SIZE, LEARNING_RATE, MAX_LENGTH = 16, 1e-4, 128
SPLITS: Mapping[str, int] = {"train": 640, "validation": 160, "test": 160}
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
SUITE, RUNS = "grid.toml", "runs"


@dataclass(frozen=True)
class Grid:
    """What is trained.

    Attributes:
        folder: Where models, data, and what the commands leave lie.
        models: Names of shapes.
        tasks: Names of data sets whose lengths the texts have.
        seeds: Of each model on each task.
        bf16: Whether the processor multiplies in it.
    """

    folder: Path
    models: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    bf16: bool

    def cells(self) -> list[tuple[str, str, int]]:
        """Model, task, seed."""
        return list(product(self.models, self.tasks, self.seeds))


@dataclass(frozen=True)
class Whole:
    """What a whole grid took.

    Attributes:
        clock: Seconds from the first command's start to the last one's end.
        seconds: Of all processors.
        accuracy: On the test split, the mean over all cells.
    """

    clock: float
    seconds: float
    accuracy: float


def write_grid(grid: Grid) -> None:
    """Write models, data and the suite's file."""
    for name in grid.models:
        write_checkpoint(SHAPES[name], grid.folder / name, auto_class="AutoModel", labels=())
        (grid.folder / f"{name}.toml").write_text(f'checkpoint = "./{name}"\n')
    for task in grid.tasks:
        _write_splits(task, grid.folder / task)
    (grid.folder / SUITE).write_text(suite(grid))


def suite(grid: Grid) -> str:
    """The grid as a suite of the harness."""
    lines = [
        f"tasks = {json.dumps(grid.tasks)}",
        f"models = {json.dumps(grid.models)}",
        f"seeds = {json.dumps(grid.seeds)}",
        "[variants]",
        *(f'{name} = "./{name}.toml"' for name in grid.models),
        "[training]",
        f"epochs = 1\nevaluations_per_epoch = 1\nbatch_size = {BATCH_SIZE}\nmax_length = {MAX_LENGTH}",
        f'learning_rate = {LEARNING_RATE}\nprecision = "{"bf16" if grid.bf16 else "fp32"}"',
    ]
    for task in grid.tasks:
        columns = '["text", "pair"]' if task == "MNLI" else '["text"]'
        files = "\n".join(f'{split} = "{task}/{split}.jsonl"' for split in SPLITS)
        lines.append(f"[data.{task}]\n{files}\ntext = {columns}\nlabel = 'label'")
    return "\n".join(lines) + "\n"


def run_grids(grid: Grid, ways: Sequence[str], *, rounds: int) -> Table:
    """Each way of running the grid, in turn, as a table.

    Args:
        grid: What is trained.
        ways: Keys of `WAYS`, the harness's among them.
        rounds: How often each runs the whole grid.
    """
    write_grid(grid)
    takers = {way: partial(_timed, WAYS[way][1], grid) for way in ways}
    return grid_table(grid, interleaved(takers, rounds, warm_up=0))


def grid_table(grid: Grid, found: Mapping[str, Sequence[Whole]]) -> Table:
    """The ways, a row each."""
    sizes = f"{len(grid.models)} models x {len(grid.tasks)} tasks x {len(grid.seeds)} seeds"
    title = f"Whole commands: {sizes} of {SPLITS['train']} training examples; a and b a process a cell; all cores"
    ours = found["d"]
    rows = []
    for way, wholes in found.items():
        neighbours = list(zip(wholes, ours, strict=True))
        clock, seconds = spread([whole.clock for whole in wholes]), spread([whole.seconds for whole in wholes])
        gain = spread([theirs.clock / mine.clock for theirs, mine in neighbours])
        saving = spread([theirs.seconds / mine.seconds for theirs, mine in neighbours])
        accuracy = f"{100 * mean(whole.accuracy for whole in wholes):.1f}"
        measured = [spread_text(clock, 1), spread_text(seconds, 1), spread_text(gain, 2), spread_text(saving, 2)]
        rows.append((WAYS[way][0], *measured, accuracy))
    headings = ("way", "seconds", "CPU seconds", "d is faster, x", "in CPU seconds, x", "test accuracy, %")
    return Table(title, headings, rows)


def _timed(work: Callable[[Grid], list[float]], grid: Grid) -> Whole:
    used, started = _children(), time.perf_counter()
    accuracies = work(grid)
    return Whole(time.perf_counter() - started, _children() - used, mean(accuracies))


def _children() -> float:
    """Processor seconds of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _harness(grid: Grid) -> list[float]:
    runs = grid.folder / RUNS
    shutil.rmtree(runs, ignore_errors=True)
    _command(["-m", "harness", "run", str(grid.folder / SUITE), "--runs", str(runs)], grid)
    records = [json.loads(file.read_text()) for file in runs.glob("**/run.json")]
    assert len(records) == len(grid.cells()), records
    return [record["scores"]["test"]["accuracy"] for record in records]


def _scripts(grid: Grid, *, best: bool) -> list[float]:
    """One process a cell, each on all cores, as a shell's loop over run_glue.py would have it."""
    made = grid.folder / "trainer"
    shutil.rmtree(made, ignore_errors=True)
    accuracies = []
    for model, task, seed in grid.cells():
        output = made / f"{model}-{task}-{seed}"
        flags = [*(["--best"] if best else []), *(["--bf16"] if best and grid.bf16 else [])]
        places = [str(grid.folder / model), str(grid.folder / task), str(seed), str(output)]
        _command(["-m", "benchmarks.loops.grid_cell", *places, *flags], grid, HF_DATASETS_CACHE=str(made / "cache"))
        accuracies.append(json.loads((output / "scores.json").read_text())["test"])
    return accuracies


WAYS: Mapping[str, tuple[str, Callable[[Grid], list[float]]]] = {
    "a": ("a Trainer, default", partial(_scripts, best=False)),
    "b": ("b Trainer, best flags", partial(_scripts, best=True)),
    "d": ("d harness run", _harness),
}


def _command(words: Sequence[str], grid: Grid, **environment: str) -> None:
    """Run Python with the words; what it says is shown only where it fails."""
    log = grid.folder / "command.log"
    with log.open("w") as stream:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env={**os.environ, **OFFLINE, **environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{log.read_text()[-3000:]}")


def _write_splits(task: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    texts = texts_like(task)
    examples = iter(texts.examples)
    for split, size in SPLITS.items():
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as stream:
            for _ in range(size):
                example = next(examples)
                assert isinstance(example, TextExample)
                assert isinstance(example.target, int)
                row = {"text": example.text, "label": texts.labels[example.target]}
                stream.write(json.dumps(row | ({"pair": example.pair} if example.pair else {})) + "\n")

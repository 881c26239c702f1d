"""Seconds and memory of long documents, by length and reading strategy.

    nice python -m experiments.long_documents

measures each point in its own process (`document_cost.py`) on one thread. After each point, it writes a dated .md, .svg
and .jsonl into results/long_documents. --resume continues an interrupted run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.dated import dated_name
from experiments.document_cost import RECIPES
from experiments.document_cost_chart import chart
from harness.ops.device import hardware

RESULTS = Path(__file__).parent / "results" / "long_documents"
MODELS = ("transformer-xl-random", "xlnet-random")
TOKENS = (512, 1024, 2048, 4096, 8192, 16384, 100_000)
LONGEST = 100_000
# A document of the longest kind is read whole, so its head is left out; the control differs from recurrence in nothing.
OF_THE_LONGEST = ("windows", "recurrence", "recurrence-4")
MEASURES = {
    "Seconds of a training step": lambda point: f"{point['training_seconds']:.2f}",
    "Seconds of an evaluation": lambda point: f"{point['evaluation_seconds']:.2f}",
    "Memory in MB: the most, less what the process held before the document": lambda point: (
        f"{megabytes(point):.0f} ({point['peak_bytes'] / 1e6:.0f} − {point['before_bytes'] / 1e6:.0f})"
    ),
}
Point = dict[str, Any]


def megabytes(point: Point) -> float:
    """What the document took."""
    return (point["peak_bytes"] - point["before_bytes"]) / 1e6


def wanted(models: Sequence[str], recipes: Sequence[str], lengths: Sequence[int]) -> Iterator[tuple[str, str, int]]:
    """The points to measure: model, recipe, tokens."""
    for model in models:
        for recipe in recipes:
            for tokens in lengths:
                if tokens < LONGEST or recipe in OF_THE_LONGEST:
                    yield model, recipe, tokens


def measured(model: str, recipe: str, tokens: int, *, gigabytes: float, repeats: int) -> Point:
    """A point, measured in a process of its own; without numbers where it takes more than `gigabytes`."""
    words = [model, recipe, tokens, "--gigabytes", gigabytes, "--repeats", repeats]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.document_cost", *map(str, words)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    point: Point = json.loads(done.stdout.splitlines()[-1])
    return point


def told(point: Point, gigabytes: float) -> str:
    """One line about a point."""
    name = f"{point['model']}, {point['recipe']}, {point['tokens']:,} tokens"
    if "peak_bytes" not in point:
        return f"{name}: more than {gigabytes:g} GB"
    before, peak = point["before_bytes"] / 1e6, point["peak_bytes"] / 1e6
    seconds = f"training {point['training_seconds']:.2f} s, evaluation {point['evaluation_seconds']:.2f} s"
    return f"{name}: {seconds}, {before:.0f} MB before, {peak:.0f} MB at most"


def tables(points: Sequence[Point], gigabytes: float) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """One table per measure: its title, its headings, its rows."""
    lengths = sorted({point["tokens"] for point in points})
    known = {(point["model"], point["recipe"], point["tokens"]): point for point in points}
    names = sorted({name[:2] for name in known}, key=lambda name: (name[0], list(RECIPES).index(name[1])))
    for title, shown in MEASURES.items():
        rows = [[*name, *(_cell(known.get((*name, tokens)), shown, gigabytes) for tokens in lengths)] for name in names]
        yield title, ["model", "recipe", *(f"{tokens:,}" for tokens in lengths)], rows


def _cell(point: Point | None, shown: Any, gigabytes: float) -> str:
    if point is None:
        return ""
    return shown(point) if "peak_bytes" in point else f"over {gigabytes:g} GB"


def markdown(points: Sequence[Point], chart_file: str, gigabytes: float) -> str:
    """The tables, and what they were measured on."""
    machine = hardware(None)
    lines = [
        "# Long documents",
        "",
        "One document of so many tokens: forward, backward and optimiser step, and its evaluation. Each point in a",
        "process of its own, on one thread; seconds of the processor, the median of up to three.",
        "`experiments/README.md` says what the recipes are. Written by `nice python -m experiments.long_documents` on:",
        f"{machine['processor']}, {machine['cores']} cores, torch {torch.__version__}.",
        "",
        f"![Training seconds and memory by length]({chart_file})",
    ]
    for title, headings, rows in tables(points, gigabytes):
        lines += ["", f"## {title}", "", _line(headings), _line(["---", "---", *["---:"] * (len(headings) - 2)])]
        lines += map(_line, rows)
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def read(stem: Path) -> list[Point]:
    """What an earlier run measured."""
    file = stem.with_suffix(".jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def write(points: Sequence[Point], stem: Path, gigabytes: float) -> None:
    """Write all that is measured so far."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    picture = stem.with_suffix(".svg")
    stem.with_suffix(".jsonl").write_text("".join(json.dumps(point) + "\n" for point in points))
    stem.with_suffix(".md").write_text(markdown(points, picture.name, gigabytes), encoding="utf-8")
    picture.write_text(chart([point for point in points if "peak_bytes" in point]), encoding="utf-8")


def show(points: Sequence[Point], console: Console, gigabytes: float) -> None:
    """Print the tables."""
    for title, headings, rows in tables(points, gigabytes):
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for index, heading in enumerate(headings):
            table.add_column(heading, justify="left" if index < 2 else "right")
        for row in rows:
            table.add_row(*row)
        console.print(table, "")


def main() -> None:
    """Measure, and write after each point; a full attention that is too large is tried no longer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="of configs/models; repeatable", default=None)
    parser.add_argument("--recipe", action="append", choices=RECIPES, default=None)
    parser.add_argument("--tokens", action="append", type=int, default=None)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=8.0, help="a point that takes more is given up")
    parser.add_argument("--output", type=Path, default=RESULTS / dated_name(), help="without an ending")
    parser.add_argument("--resume", action="store_true", help="keep the points that are in the results")
    asked = parser.parse_args()
    console, points = Console(), read(asked.output) if asked.resume else []
    for model, recipe, tokens in wanted(asked.model or MODELS, asked.recipe or tuple(RECIPES), asked.tokens or TOKENS):
        same = [point for point in points if (point["model"], point["recipe"]) == (model, recipe)]
        if any(point["tokens"] == tokens or "peak_bytes" not in point for point in same):
            continue
        points.append(measured(model, recipe, tokens, gigabytes=asked.gigabytes, repeats=asked.repeats))
        console.print(told(points[-1], asked.gigabytes), soft_wrap=True, highlight=False)
        write(points, asked.output, asked.gigabytes)
    show(points, console, asked.gigabytes)


if __name__ == "__main__":
    main()

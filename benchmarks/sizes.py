"""The cost of training in bf16 on packed batches of any size, and of only a few sizes, measured in turns.

    python -m benchmarks.sizes                                # a file of results/sizes; --shape base for another model
    python -m benchmarks.sizes --per-octave 16 --per-octave 64

oneDNN generates code for every new shape of a product (`harness/long_texts/packed/sizes.py`). The other benchmarks
repeat a few batches, so they don't show this. Here an epoch has so many batches that oneDNN can't keep the code for all
of their sizes. Each way trains in a process of its own, on one thread; seconds are processor time of the second epoch.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.dated import write_table
from benchmarks.families import contestant
from benchmarks.loops.measured import spread
from benchmarks.loops.rows import auto_class
from benchmarks.loops.shapes import SHAPES, write_checkpoint
from benchmarks.loops.tables import Table, busy_notes, spread_text
from benchmarks.loops.texts import MAKERS, Texts, texts_like
from benchmarks.loops.turns import ROOT, Turn, interleaved
from harness.long_texts.packed import sizes

COMMAND = "python -m benchmarks.sizes"
ANY_SIZE = 0
HEADINGS = ("sizes between a number of tokens and its double", "ms an example", "x any size", "loss")


def main() -> None:
    """Measure all ways in turns and write the table; as a worker, print what one of them took."""
    asked = _asked()
    if asked.worker is not None:
        print(json.dumps(vars(_trained(asked, asked.worker))))
        return
    ways = [ANY_SIZE, *(asked.per_octave or [sizes.SIZES_PER_OCTAVE])]
    takers = {str(way): partial(_turn, way) for way in ways}
    table = _table(asked, interleaved(takers, asked.rounds, warm_up=0))
    write_table(table, "Few sizes beside any", COMMAND, asked.output)
    table.show(Console(width=116))


def _turn(way: int) -> Turn:
    words = [sys.executable, "-m", "benchmarks.sizes", *sys.argv[1:], "--worker", str(way)]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Turn(**json.loads(done.stdout.splitlines()[-1]))


def _trained(asked: argparse.Namespace, way: int) -> Turn:
    """Train for two epochs, the second of which counts."""
    torch.set_num_threads(1)
    if way == ANY_SIZE:
        sizes.filler_length = lambda *_: 0
    else:
        sizes.SIZES_PER_OCTAVE = way
    every = texts_like(asked.data)
    texts = Texts(every.kind, every.labels, every.max_length, every.examples[: asked.batches * asked.batch_size])
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / asked.shape
        write_checkpoint(SHAPES[asked.shape], checkpoint, auto_class=auto_class(texts), labels=texts.labels)
        turn = contestant("bert", checkpoint, texts, asked, execution="packed", precision="bf16")
        turn()
        return turn()


def _table(asked: argparse.Namespace, turns: dict[str, list[Turn]]) -> Table:
    examples, rows = asked.batches * asked.batch_size, []
    for way, taken in turns.items():
        costs = spread([1000 * turn.seconds / examples for turn in taken])
        times = spread([other.seconds / turn.seconds for turn, other in zip(taken, turns[str(ANY_SIZE)], strict=True)])
        name = "any" if way == str(ANY_SIZE) else f"at most {way}, for 256 tokens or more"
        rows.append((name, spread_text(costs, 2), spread_text(times, 2), f"{taken[0].value:.4f}"))
    notes = busy_notes(max(turn.clock / turn.seconds for taken in turns.values() for turn in taken))
    title = f"Training, {asked.shape}, {asked.data}-like: {asked.batches} batches of {asked.batch_size} examples, bf16"
    return Table(title, HEADINGS, rows, notes)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="SST-2", choices=[*MAKERS], help="texts of these lengths")
    parser.add_argument("--shape", default="mini", choices=[*SHAPES])
    parser.add_argument("--per-octave", action="append", type=int, help="default: the harness's own; repeatable")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--batches", type=int, default=150, help="an epoch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="default: a dated file of results/sizes")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

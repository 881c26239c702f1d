"""The cost of a training step of each family that supports packing, packed and padded, measured in turns.

    python -m benchmarks.families                                   # all; writes a file of results/families
    python -m benchmarks.families --family deberta --data IMDb --shape tiny

Both use the harness's own step, on the same texts in the same batches, which are grouped by length. So the padded step
wastes little, and the ratio is the gain beyond such groups. Both run in one process, on one thread, and take turns;
seconds are processor time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from statistics import mean

import torch
from rich.console import Console
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from benchmarks.dated import write_table
from benchmarks.loops.measured import Case
from benchmarks.loops.rows import auto_class
from benchmarks.loops.shapes import SHAPES, VOCABULARY, write_checkpoint
from benchmarks.loops.tables import Table, busy_notes, spread_text
from benchmarks.loops.texts import MAKERS, Texts, pool, texts_like
from benchmarks.loops.turns import Turn, interleaved
from harness.config.model import ModelConfig, find_model
from harness.config.training import Training
from harness.models.checkpoint import find_checkpoint
from harness.models.loaded import Loaded
from harness.ops.device import actual_precision, fresh_accelerator, seed_dropout, seed_layers
from harness.ops.fast_dropout import with_fast_dropout
from harness.registry import FAMILIES, TASK_TYPES
from harness.task_types.objective import Objective
from harness.tokenization.items import Item, length_grouped_batches
from harness.training.optimisation import make_optimizer, make_scheduler
from harness.training.task_model import forward_of
from harness.training.trainer import Trainer
from harness.training.vocabulary import with_used_vocabulary

COMMAND = "python -m benchmarks.families"
HEADINGS = ("family", "padded, ms an example", "packed, ms an example", "x padded", "loss padded", "loss packed")
EXECUTIONS = ("padded", "packed")


def main() -> None:
    """Measure a family after the other, and write the table after each."""
    asked, cases = _asked(), dict[str, Case]()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(find_checkpoint(str(find_model(VOCABULARY).checkpoint)).folder)
    texts = pool(texts_like(asked.data), tokenizer, batch_size=asked.batch_size, batches=asked.batches)
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.family or packed_architectures():
            cases[name] = raced(name, texts, asked, Path(folder) / name)
            write_table(families_table(cases), "Packed beside padded", COMMAND, asked.output)
    families_table(cases).show(Console(width=116))


@cache
def packed_architectures() -> dict[str, tuple[str, str]]:
    """Family and model_type of what is read packed: by the family's name, and those beside its first one by theirs."""
    found: dict[str, tuple[str, str]] = {}
    for name in FAMILIES.names():
        family = FAMILIES.load(name)
        if getattr(family, "packing", None) is not None:
            found[name] = (name, family.model_types[0])
            found |= {kin: (name, kin) for kin in family.model_types[1:] if _classifies(kin)}
    return found


def _classifies(model_type: str) -> bool:
    return type(AutoConfig.for_model(model_type)) in AutoModelForSequenceClassification._model_mapping


def raced(name: str, texts: Texts, asked: argparse.Namespace, checkpoint: Path) -> Case:
    """A packed architecture, trained packed and padded in turns."""
    shape, precision = SHAPES[asked.shape], actual_precision("auto")
    (family, model_type), head = packed_architectures()[name], auto_class(texts)
    write_checkpoint(shape, checkpoint, auto_class=head, labels=texts.labels, family=family, model_type=model_type)
    known = {
        execution: contestant(family, checkpoint, texts, asked, execution=execution, precision=precision)
        for execution in EXECUTIONS
    }
    turns = interleaved(known, asked.rounds)
    return Case(
        shape.name,
        asked.data,
        "training",
        examples=len(texts.examples),
        batch_size=asked.batch_size,
        tokens=0,  # Of a family, neither these nor operations are shown.
        flops=0.0,
        turns=turns,
        peaks={},
        precisions=dict.fromkeys(EXECUTIONS, precision),
    )


def contestant(
    family: str, checkpoint: Path, texts: Texts, asked: argparse.Namespace, *, execution: str, precision: str
) -> Callable[[], Turn]:
    """A model of its own, whose turns are epochs over a few batches."""
    recipe = texts.recipe(execution=execution, precision=precision, batch_size=asked.batch_size)
    kind = TASK_TYPES.load(texts.kind).objective(texts.labels, recipe)
    seed_layers(0)
    spec = ModelConfig(family=family, checkpoint=str(checkpoint))
    loaded = FAMILIES.load(family).load(spec, kind.head(), labels=texts.labels, dropout=None, texts=list)
    with_fast_dropout(loaded.model)
    kind, features = texts.features(loaded.tokenizer, recipe)
    with_used_vocabulary(loaded.model, features.items)
    places = length_grouped_batches([item.length for item in features.items], asked.batch_size, seed=0, epoch=0)
    batches = [[features.items[index] for index in batch] for batch in places]
    return step_turns(loaded, kind, recipe, batches, asked.rounds)


def step_turns(
    loaded: Loaded, objective: Objective, recipe: Training, batches: Sequence[Sequence[Item]], rounds: int
) -> Callable[[], Turn]:
    """Turns of the harness's own steps on the batches."""
    accelerator = fresh_accelerator(recipe.precision, tracker=None, folder=Path())
    forward = forward_of(loaded, objective, accelerator, recipe, micro_batch_size=recipe.micro_batch_size)
    optimizer = make_optimizer(loaded.model, recipe)
    scheduler = make_scheduler(optimizer, recipe, len(batches) * (rounds + 1))
    trainer = Trainer(forward, optimizer, scheduler, recipe.max_grad_norm, notes=[])
    seed_dropout(0, 0)

    def turn() -> Turn:
        started = time.process_time(), time.perf_counter()
        losses = [float(trainer.step(batch)) for batch in batches]
        return Turn(time.process_time() - started[0], time.perf_counter() - started[1], mean(losses))

    return turn


def families_table(cases: dict[str, Case]) -> Table:
    """A row each."""
    some = next(iter(cases.values()))
    title = (
        f"Training, {some.shape}, {some.data}-like: {some.examples} examples a turn, batches of {some.batch_size}, "
        f"{some.precisions['packed']}"
    )
    notes = busy_notes(max(case.busy() for case in cases.values()))
    return Table(title, HEADINGS, [_row(family, case) for family, case in cases.items()], notes)


def _row(family: str, case: Case) -> tuple[str, ...]:
    return (
        family,
        spread_text(case.milliseconds("padded"), 2),
        spread_text(case.milliseconds("packed"), 2),
        spread_text(case.times_as_fast("packed", "padded"), 2),
        f"{case.loss('padded'):.4f}",
        f"{case.loss('packed'):.4f}",
    )


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("--family", action="append", choices=[*packed_architectures()], help="default: all; repeatable")
    parser.add_argument("--data", default="MNLI", choices=[*MAKERS], help="texts of these lengths")
    parser.add_argument("--shape", default="mini", choices=[*SHAPES])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--batches", type=int, default=4, help="a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="default: a dated file of results/families")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Compare an export with its run: predictions, scores, logits and latency on the validation split."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.table import Table

from harness.comparison.formatting import memory
from harness.config.checking import Strict
from harness.errors import UserError
from harness.metrics.lookup import unit_of
from harness.ops.others import others_share
from harness.output import plain_table
from harness.runs.answering import ModelOutputs, ReadyModel, ready_model
from harness.runs.evaluation import examples_of_split
from harness.runs.exported import read_export, recorded
from harness.runs.inference_cost import DISTURBED
from harness.runs.run import CHECKPOINT
from harness.training.evaluation import scored

SPLIT = "validation"
TOLERANCE = 1e-3
WARM_UP, MOST_TIMED, SECONDS = 3, 100, 6.0
Times = tuple[float, float]
LENGTHS = (1, 2, 7)  # Token counts of additional rows to compare logits on, besides the maximum length of the model.


class Side(Strict):
    """The measurements of the run or of the export.

    Attributes:
        score: The main metric in its natural unit.
        latency_p50: Median seconds for a single text, including tokenization.
        processor_p50: Median CPU seconds for a single text over all threads, which other processes hardly affect.
        disk_bytes: Size of the folder.
    """

    score: float | None
    latency_p50: float
    processor_p50: float
    disk_bytes: int


class ExportCheck(Strict):
    """The comparison of an export with its run.

    Attributes:
        examples: Number of validation examples.
        metric: The main metric.
        agreement: Share of examples with equal predictions; numbers are equal within a thousandth.
        largest_difference: The largest difference of two logits, on the examples and on rows of several lengths; None:
            there are no logits.
        tolerance: The allowed difference of logits, relative to the largest one if that is above 1, and the allowed
            share of differing predictions; None for int8, which is not held to it.
        run: The measurements of the run's own checkpoint.
        export: The measurements of the export.
        others: Fraction of a core used by other processes during the timing.
    """

    examples: int
    metric: str
    agreement: float
    largest_difference: float | None
    tolerance: float | None
    run: Side
    export: Side
    others: float

    def table(self, name: str) -> Table:
        """Show both side by side, in at most 80 columns.

        Args:
            name: The name of the export.
        """
        table = plain_table("", "run", name, numbers_from=1)
        sides, unit = (self.run, self.export), unit_of(self.metric)
        table.add_row(self.metric, *("–" if side.score is None else unit.score(side.score) for side in sides))
        table.add_row("ms a text, median", *(f"{1000 * side.latency_p50:.3g}" for side in sides))
        table.add_row("processor ms", *(f"{1000 * side.processor_p50:.3g}" for side in sides))
        table.add_row("disk", *(memory(side.disk_bytes) for side in sides))
        return table

    def __str__(self) -> str:
        same = round(self.agreement * self.examples)
        far = "" if self.largest_difference is None else f"; logits differ by at most {self.largest_difference:.2g}"
        disturbed = " Other processes disturbed the times." if self.others > DISTURBED else ""
        return f"{same:,} of {self.examples:,} {SPLIT} examples are predicted alike{far}.{disturbed}"


def checked_export(run: Path, export: Path, *, examples: int) -> ExportCheck:
    """Compare an export with its run.

    Args:
        run: The folder of the run.
        export: The folder of the export.
        examples: Maximum number of validation examples.

    Raises:
        UserError: If they don't agree, though the export has the run's weights, or the data can't be read again.
    """
    record, config = recorded(run)
    kind = read_export(export)
    read = examples_of_split(run, record, config, SPLIT)[:examples]
    if not read:
        raise UserError(f"{run}: its task has no validation examples to check an export on. Add --examples 0.")
    models = ready_model(run, record, config), ready_model(export, *recorded(export))
    with _told(run):
        answers = [model.in_batches(1).answer(read) for model in models]
        with others_share() as others:
            times = _times(models, read)
            taken = round(others(), 3)
        difference, scale = _logit_difference(*models, read) if kind.form == "onnx" else (None, 1.0)
    if difference is not None and not math.isfinite(difference):
        raise UserError(f"{run}: its export gives logits that are not numbers. Use --to folder.")
    metric, labels, is_exact = record.task_card.main_metric, record.task_card.labels, kind.precision == "fp32"
    found = ExportCheck(
        examples=len(read),
        metric=metric,
        agreement=sum(_same(*pair) for pair in zip(*answers, strict=True)) / len(read),
        largest_difference=difference,
        tolerance=TOLERANCE if is_exact else None,
        run=_side(run / CHECKPOINT, answers[0], metric, labels, times[0]),
        export=_side(export, answers[1], metric, labels, times[1]),
        others=taken,
    )
    if is_exact and (1 - found.agreement > TOLERANCE or (difference or 0.0) > TOLERANCE * scale):
        raise UserError(f"{run}: its export does not give the same answers. {found} Use --to folder, or another model.")
    return found


@contextmanager
def _told(run: Path) -> Iterator[None]:
    """Convert errors of onnxruntime about a graph that can't read some text to a `UserError`."""
    try:
        yield
    except Exception as error:  # Its errors have no common base class.
        if "onnxruntime" not in type(error).__module__:
            raise
        reason = " ".join(str(error).split())
        raise UserError(f"{run}: its export can't read some texts ({reason:.200}). Use --to folder.") from error


def _side(folder: Path, answers: Sequence[dict[str, Any]], metric: str, labels: tuple[str, ...], times: Times) -> Side:
    score = scored(answers, [metric], labels)[metric]
    wall, processor = times
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Side(
        score=score if math.isfinite(score) else None, latency_p50=wall, processor_p50=processor, disk_bytes=size
    )


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    first, second = one["prediction"], other["prediction"]
    if isinstance(first, float):
        return math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(first == second)


def _times(models: Sequence[ReadyModel], examples: Sequence[Any]) -> list[Times]:
    """Median seconds and CPU seconds of each model for a single text, alternating, so that both are disturbed alike."""
    alone = [model.in_batches(1) for model in models]
    for example in examples[:WARM_UP]:
        for model in alone:
            model.answer([example])
    taken: list[list[Times]] = [[] for _ in models]
    until = time.perf_counter() + SECONDS
    for example in examples[:MOST_TIMED]:
        for model, known in zip(alone, taken, strict=True):
            before = time.perf_counter(), time.process_time()
            model.answer([example])
            known.append((time.perf_counter() - before[0], time.process_time() - before[1]))
        if time.perf_counter() > until:
            break
    return [(median(wall for wall, _ in known), median(processor for _, processor in known)) for known in taken]


def _logit_difference(run: ReadyModel, export: ReadyModel, examples: Sequence[Any]) -> tuple[float, float]:
    """The largest difference of two logits, and the largest logit or 1, whichever is larger."""
    assert isinstance(run.outputs, ModelOutputs)
    assert isinstance(export.outputs, ModelOutputs)
    differences, scale, per_token = [0.0], 1.0, run.objective.head().per_token
    for inputs in (*_real_inputs(run.outputs, examples), *_made_inputs(run.outputs)):
        pairs = zip(_logits(run.outputs, inputs), _logits(export.outputs, inputs), strict=True)
        for one, other in pairs:
            kept = inputs["attention_mask"].bool() if per_token else ...
            differences.append(float((one[kept] - other[kept]).abs().max()))
            scale = max(scale, float(one[kept].abs().max()))
    return float(np.max(differences)), scale  # Unlike `max`, it propagates NaN.


def _real_inputs(outputs: ModelOutputs, examples: Sequence[Any]) -> Iterator[dict[str, torch.Tensor]]:
    for item in outputs.features(examples).items:
        yield outputs.forward.collator([item]).inputs


def _made_inputs(outputs: ModelOutputs) -> Iterator[dict[str, torch.Tensor]]:
    """Rows of several lengths up to the maximum, for models whose computation depends on the length."""
    tokenizer, window = outputs.loaded.tokenizer, outputs.reader.window
    for length in sorted({min(length, window) for length in (*LENGTHS, window)}):
        ids = torch.arange(length)[None] % len(tokenizer)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        yield inputs | ({"token_type_ids": torch.zeros_like(ids)} if outputs.loaded.uses_token_type_ids else {})


@torch.no_grad()
def _logits(outputs: ModelOutputs, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    device = outputs.forward.accelerator.device
    given = {name: tensor.to(device) for name, tensor in inputs.items()}
    outputs.forward.model.eval()
    return tuple(tensor.float().cpu() for tensor in outputs.forward.scoring.logits(given, len(given["input_ids"])))

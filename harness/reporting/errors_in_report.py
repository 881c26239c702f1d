"""The error analysis of a task in a report, read from predictions when it is rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from markupsafe import Markup

from harness.comparison.results import TaskComparison
from harness.error_analysis.answered import AnsweredTask, analysed, answered_by_cells
from harness.error_analysis.aspects import recorded_aspects, repeats_aspect
from harness.error_analysis.breakdown import by_aspect, by_label
from harness.error_analysis.probabilities import Reliability, reliability
from harness.error_analysis.thresholds import at_thresholds
from harness.errors import UserError
from harness.registry import TASK_TYPES
from harness.reporting import errors, thresholds, written_attention
from harness.reporting.charts.reliability import reliability_curves
from harness.reporting.entries import Table
from harness.reporting.samples import note_on_attention, samples
from harness.reporting.written_attention import AttentionMap, attention_maps

MOST_CURVES, MOST_MODELS = 8, 12
SHOWN_THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
CURVES_NOTE = (
    "Reliability curves: what share of the forecasts of each probability came true; below the dashed line a model is "
    "too sure of itself. Bars are 95 % intervals that treat the forecasts of one seed as independent."
)


KEPT_NOTE = (
    "Training rows that nearly repeat a test row were kept: `harness errors FOLDER --by duplicates` "
    "scores the clean test examples separately, and says whether the order of the models changes without the repeats."
)


@dataclass(frozen=True, slots=True)
class ErrorsOfTask:
    """The error analysis of a task; empty if no predictions can be read.

    Attributes:
        tables: Tables by label, by length and by aspects of the task type; confusions of the best model; calibration.
        curves: Reliability curves of the best models.
        maps: Where the decoders of the best models look in a source as they write.
        notes: How to read them.
    """

    tables: tuple[Table, ...] = ()
    curves: Mapping[str, Markup] = field(default_factory=dict)
    maps: tuple[AttentionMap, ...] = ()
    notes: tuple[str, ...] = ()


def errors_of(task: TaskComparison, classes: Mapping[str, str]) -> ErrorsOfTask:
    """Analyse the errors of the task's best models, without models with some collapsed runs, whose means say little.

    Args:
        task: The task comparison.
        classes: The CSS class of each model's colour.
    """
    cells = [cell for cell in task.ranked if cell.without_collapsed is None]
    if task.card.task_type not in TASK_TYPES.names():
        return ErrorsOfTask()
    with suppress(UserError), analysed(task.task):  # Whatever can't be analysed is left out of this section.
        found = answered_by_cells(task.suite, task.task, task.card, cells[:MOST_MODELS])
        if found is not None:
            shown = _errors(found, classes)
            more = (f"Only the best {MOST_MODELS} of {len(cells)} models.",) if len(cells) > MOST_MODELS else ()
            return replace(shown, notes=(*shown.notes, *more))
    return ErrorsOfTask()


def _errors(task: AnsweredTask, classes: Mapping[str, str]) -> ErrorsOfTask:
    each = {model.model: reliability(task, model.answers) for model in task.models}
    believed = {model: one for model, one in each.items() if one is not None}
    above = {model.model: rows for model in task.models if (rows := at_thresholds(task, model, SHOWN_THRESHOLDS))}
    tables = (*_tables(task, believed), *([thresholds.by_model(task, above)] if above else []))
    notes = [errors.note_of(task)] if tables else []
    notes += [errors.OF_PROBABILITIES, CURVES_NOTE] if believed else []
    notes += [thresholds.NOTE] if above else []
    maps = attention_maps(task, classes)
    notes += written_attention.notes(task, maps)
    notes += [note] if (note := note_on_attention(task)) is not None else []
    notes += [KEPT_NOTE] if tables and _keeps_repeats(task) else []
    drawn = dict(islice(believed.items(), MOST_CURVES))
    return ErrorsOfTask(tables, reliability_curves(drawn, classes), maps, tuple(notes))


def _tables(task: AnsweredTask, believed: Mapping[str, Reliability]) -> Iterator[Table]:
    by_f1 = by_label(task)
    if by_f1 is not None:
        yield errors.by_model(task, by_f1)
    confused = errors.confusion_matrix(task) or errors.confused(task)
    if confused is not None:
        yield confused
    for aspect in recorded_aspects(task):
        found = by_aspect(task, aspect)
        if found is not None and len(found.parts) > 1:
            yield errors.by_model(task, found)
    if believed:
        yield errors.believed(task, believed)
    if (written := samples(task)) is not None:
        yield written


def _keeps_repeats(task: AnsweredTask) -> bool:
    """Return whether near-duplicate training rows were kept, and predictions don't mark the test rows concerned."""
    configs = [record.config for model in task.models for _, record in model.runs]
    kept = any((config.get("local") or {}).get("near_duplicates") == "keep" for config in configs)
    return kept and repeats_aspect(task.models[0]) is None  # Otherwise the table of scores has the clean part.

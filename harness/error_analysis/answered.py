"""Predictions of a task's models for the same test examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import sample_attention
from harness.checksums import check_files
from harness.comparison.analysis import model_runs
from harness.comparison.copies import originals
from harness.comparison.folds import INCOMPLETE
from harness.comparison.predictions import digest_of_test_set, read_predictions
from harness.comparison.results import Cell
from harness.comparison.subsets import Answers
from harness.data.splitting import REPEATS_TRAINING
from harness.errors import UserError, collected
from harness.record import PREDICTIONS, RECORD, TaskCard, read_record
from harness.records import Found, grouped, record_file, some_records
from harness.registry import TASK_TYPES
from harness.regular_files import check_regular
from harness.task_types.contract import TaskType

COLUMNS = ("length", "logits", "source", sample_attention.COLUMN, REPEATS_TRAINING)
"""The columns of predictions that are read, apart from those for scores."""


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """The predictions of a model, by seed.

    Attributes:
        model: The name of the model.
        answers: The predictions.
        runs: The runs of the first seed with their folders: one, or one per fold.
    """

    model: str
    answers: Answers
    runs: tuple[Found, ...]

    @property
    def is_simple_baseline(self) -> bool:
        """Whether the model is a simple baseline."""
        return self.runs[0][1].simple_baseline


@dataclass(frozen=True, slots=True)
class AnsweredTask:
    """A task with models that were tested on the same examples.

    Attributes:
        suite: The name of the suite.
        task: The name of the task.
        card: The description of the task.
        models: The models, at least one.
        problems: What was left out, and why.
    """

    suite: str
    task: str
    card: TaskCard
    models: tuple[ModelAnswers, ...]
    problems: tuple[str, ...] = ()

    @property
    def task_type(self) -> TaskType:
        """The task type."""
        found: TaskType = TASK_TYPES.load(self.card.task_type)
        return found

    @property
    def first(self) -> Answers:
        """The predictions of the first model, whose examples are the same for all."""
        return self.models[0].answers


@contextmanager
def analysed(where: object) -> Iterator[None]:
    """Report predictions that can't be analysed, such as damaged ones, without a traceback.

    Raises:
        UserError: If they contain what their task type does not know.
    """
    try:
        yield
    except UserError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, NotImplementedError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(
            f"{where}: its predictions can't be analysed ({reason:.200}). Do the run again with --redo."
        ) from error


def answered_tasks(path: Path) -> list[AnsweredTask]:
    """Return the tasks of the runs in a folder, or of the single run in it.

    Raises:
        UserError: If no run has predictions of test examples.
    """
    records, problems = some_records(path)
    complete = [run for run in records if run[1].status == "complete" and not run[1].is_validation_only]
    tasks: list[AnsweredTask] = []
    for (suite, task_name), runs in grouped(complete, lambda record: (record.suite, record.task)).items():
        told: list[str] = []
        kept = _without_copies(runs, told)
        mixed = {model for model, found in grouped(kept, lambda record: record.model).items() if _is_mixed(found)}
        task = _answered(suite, task_name, kept, told, mixed)
        if task is None:
            problems += told
        else:
            tasks.append(task)
    if not tasks:
        raise UserError(*problems, f"{path}: no complete run there with predictions of test examples.")
    return [replace(tasks[0], problems=(*problems, *tasks[0].problems)), *tasks[1:]]


def answered_run(folder: Path) -> ModelAnswers:
    """Return the predictions of one run; empty if it has none for test examples, for example because it diverged.

    Raises:
        UserError: If there is no run, or its predictions are damaged.
    """
    check_regular(record_file(folder), "Name the folder of one run, with its run.json.", within=folder)
    record = read_record(folder / RECORD)
    is_tested = record.status == "complete" and not record.is_validation_only
    return ModelAnswers(
        record.model,
        Answers(
            (_table([(folder, record)], more=None),) if is_tested else (),
            record.task_card.labels,
            is_deterministic=record.simple_baseline,
        ),
        ((folder, record),),
    )


def answered_by_cells(suite: str, task: str, card: TaskCard, cells: Sequence[Cell]) -> AnsweredTask | None:
    """Return the task for the cells of a comparison, in order; None if no cell has readable predictions."""
    runs = [
        (training.folder, training.record)
        for cell in cells
        for run in cell.scored
        for training in run.trainings
        if training.folder is not None
    ]
    mixed = {cell.model for cell in cells if cell.without_collapsed is not None}
    return _answered(suite, task, runs, [], mixed, card) if runs else None


def _answered(
    suite: str,
    task: str,
    runs: Sequence[Found],
    problems: list[str],
    mixed: Collection[str],
    card: TaskCard | None = None,
) -> AnsweredTask | None:
    """Return the models of a task. Models that are unreadable or tested on other examples are added to `problems`."""
    models: list[ModelAnswers] = []
    for model, found in grouped(runs, lambda record: record.model).items():
        with collected(problems):
            models.append(_model_answers(model, found, problems, is_mixed=model in mixed))
    test_sets = [digest_of_test_set(model.answers.tables[0]) for model in models]
    usual = Counter(test_sets).most_common(1)  # Of several, that of the first model.
    same = [one for one, test_set in zip(models, test_sets, strict=True) if test_set == usual[0][0]]
    others = [one.model for one in models if one not in same]
    if others:
        problems.append(f"{task}: {', '.join(others)}: tested on other examples than {same[0].model}; left out.")
    if not same:
        return None
    return AnsweredTask(suite, task, card or same[0].runs[0][1].task_card, tuple(same), tuple(problems))


def _without_copies(runs: Sequence[Found], problems: list[str]) -> list[Found]:
    """Return the runs that are no copies of another seed, which count once as in a comparison."""
    in_order = sorted(runs, key=lambda run: run[1].seed)
    by_model = grouped(in_order, lambda record: record.model).values()
    copies = {folder for found in by_model for folder in originals(found)}
    for folder, record in runs:
        if folder in copies:
            problems.append(f"{record.task}: {record.model}: {record.which} is a copy of another one; left out.")
    return [run for run in runs if run[0] not in copies]


def _is_mixed(found: Sequence[Found]) -> bool:
    """Return whether the mean of a model's runs has no interval in a comparison, because only some collapsed."""
    if len(found) == 1:
        return False
    first = found[0][1]
    compared = model_runs(first, found, first.task_card, {})
    return compared.evidence_without_collapsed(first.task_card) is not None


def _model_answers(model: str, found: Sequence[Found], problems: list[str], *, is_mixed: bool) -> ModelAnswers:
    seeds = list(_whole_seeds(found))
    if not seeds:
        raise UserError(f"{found[0][0].parent}: {INCOMPLETE}: folds of each seed are missing; left out.")
    tables = [_table(runs) for runs in seeds]
    digests = [digest_of_test_set(table) for table in tables]
    same = [table for table, digest in zip(tables, digests, strict=True) if digest == digests[0]]
    first = seeds[0][0][1]
    if len(same) < len(tables):
        others = len(tables) - len(same)
        problems.append(f"{first.task}: {model}: {others} of its seeds were tested on other examples; left out.")
    return ModelAnswers(
        model,
        Answers(
            tuple(same),
            first.task_card.labels,
            is_deterministic=len(same) == 1 and first.simple_baseline,
            has_folds=first.fold is not None,
            is_mixed=is_mixed,
        ),
        tuple(seeds[0]),
    )


def _whole_seeds(found: Sequence[Found]) -> Iterator[list[Found]]:
    """Yield the runs of each seed: one, or all its folds in order. Seeds with missing folds are skipped."""
    for _, runs in sorted(grouped(found, lambda record: record.seed).items()):
        folds = sorted((run[1].fold.number, place) for place, run in enumerate(runs) if run[1].fold is not None)
        fold = runs[0][1].fold
        if fold is None:
            yield runs[:1]
        elif [number for number, _ in folds] == list(range(1, fold.of + 1)):
            yield [runs[place] for _, place in folds]


def _table(runs: Sequence[Found], more: Sequence[str] | None = COLUMNS) -> Any:
    for folder, record in runs:
        check_regular(folder / PREDICTIONS, "Do the run again with --redo.", within=folder)
        check_files(folder, record.files, PREDICTIONS)
    return read_predictions([folder for folder, _ in runs], more)

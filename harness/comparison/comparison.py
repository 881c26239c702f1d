"""compare: compare all runs in a folder.

It reads and scores records and predictions; the output formats only render the result.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.comparison.analysis import ModelRuns, analysed_cells, model_runs
from harness.comparison.curves import curves_of
from harness.comparison.doubts import doubts_of_claims, doubts_of_order, is_flipped
from harness.comparison.foreseen import foreseen_lines
from harness.comparison.look import Look
from harness.comparison.over_tasks import over_tasks
from harness.comparison.power import needed_to_tell
from harness.comparison.results import Comparison, TaskComparison
from harness.comparison.sequential import at_look, undecided
from harness.comparison.split import Split
from harness.comparison.tuned import tuned_models, tuning_doubts
from harness.comparison.warnings import orders_of, warnings_about
from harness.config.margin import Margins, unknown_tasks
from harness.errors import UserError, collected, nearest
from harness.metrics.lookup import find_metric, known_metrics, unit_of
from harness.metrics.metric import EVALUATE
from harness.record import RunRecord, TaskCard
from harness.records import Found, grouped, some_records
from harness.suites.suite_file import SUITE_FILE, Stated, stated

__all__ = ["Comparison", "compare", "compare_records"]

DEFAULT_BASELINE = "scratch"


def compare(
    runs: Path, *, baseline: str | None = None, margins: Margins | None = None, description: str = ""
) -> Comparison:
    """Compare all runs below `runs`.

    Args:
        runs: A folder of runs, such as `runs` or `runs/reviews`.
        baseline: The model that differences are taken from; default: that of the suite, else `scratch` if it exists.
        margins: The margins of non-inferiority; default: those of the suite.
        description: The question of the comparison, shown as the report's subtitle; default: that of the suite.

    Raises:
        UserError: If there is no record below `runs`, no model called `baseline`, or no task that `margins` name.
    """
    found, problems = some_records(runs)
    suite = Stated()
    with collected(problems):
        suite = stated(runs, {record.suite for _, record in found})
    own_baseline = suite.baseline
    problems += _lost_note(runs, [record for _, record in found])
    if own_baseline is not None and own_baseline not in {record.model for _, record in found}:
        problems.append(f"baseline {own_baseline!r}: the suite's own, but none of its runs can be read.")
        own_baseline = None
    return compare_records(
        found,
        where=str(runs),
        baseline=baseline or own_baseline,
        margins=margins or (suite.margin and suite.margin.only(record.base_task for _, record in found)),
        description=description or suite.description,
        problems=problems,
    )


def _lost_note(runs: Path, records: Sequence[RunRecord]) -> Iterator[str]:
    """Warn if the runs belong to a suite whose file is missing."""
    file = runs / SUITE_FILE
    of_suite = [record for record in records if record.suite == runs.absolute().name]
    if not os.path.lexists(file) and any(_is_of_suite(record.provenance.command) for record in of_suite):
        yield (
            f"{file}: is missing, and with it the suite's question, its baseline and its looks. Run the "
            "suite again: recorded runs are skipped."
        )


def _is_of_suite(command: Sequence[str]) -> bool:
    """Return whether the command named a suite and not a single model."""
    return bool({"run", "choose"} & {*command}) and "--model" not in command


def compare_records(
    found: Sequence[Found],
    *,
    where: str,
    baseline: str | None = None,
    margins: Margins | None = None,
    description: str = "",
    problems: Sequence[str] = (),
    suite: str = "",
    folders: tuple[str, ...] = (),
) -> Comparison:
    """Compare at least one run.

    Args:
        found: The records with their folders.
        where: Their location, as the user named it.
        baseline: The model that differences are taken from; default: `scratch` if it exists.
        margins: The margins of non-inferiority.
        description: The question of the comparison.
        problems: A line for each unreadable record.
        suite: The name under which runs of several suites are compared as those of one; default: each suite alone.
        folders: The folders of the runs, as the user named them, if there are several.

    Raises:
        UserError: If there is no model called `baseline`.
    """
    known = {record.model: record for _, record in found}
    models = tuple(sorted(known, key=lambda model: (known[model].simple_baseline, model)))
    if baseline is not None and baseline not in models:
        raise UserError(f"baseline {baseline!r}: no such model in {where}.{nearest(baseline, models)}")
    for task in unknown_tasks(margins, {record.base_task for _, record in found}):
        raise UserError(f"margin {task!r}: no such task in {where}.{nearest(task, {r.base_task for _, r in found})}")
    chosen = baseline or (DEFAULT_BASELINE if DEFAULT_BASELINE in models else None)
    unreadable = list(problems)
    scored: list[tuple[TaskComparison, Sequence[ModelRuns]]] = []
    for group in _by_task(found, suite):
        look, kept = _at_look(group, unreadable)
        short_runs = _short_runs(group, unreadable)
        for card in _cards([record for _, record in kept]):
            one, by_model = _scored(
                kept, [known[model] for model in models], chosen, card=card, margins=margins, look=look
            )
            scored.append((replace(one, short_runs=short_runs, suite=suite or one.suite), by_model))
    tasks = tuple(task for task, _ in scored)
    foreseen = foreseen_lines(found, tasks, unreadable)
    return Comparison(
        runs=where,
        description=description,
        models=models,
        baseline=chosen,
        tasks=tasks,
        problems=tuple(dict.fromkeys(unreadable)),
        warnings=tuple(dict.fromkeys(line for task in tasks for line in task.doubts)),
        foreseen=foreseen,
        over_tasks=over_tasks(tasks, models),
        margins=margins,
        curves=curves_of(scored),
        folders=folders,
    )


def _by_task(found: Iterable[Found], suite: str) -> list[list[Found]]:
    """Group runs by suite, task and value of the varied setting: scores at different values are not comparable.

    With a `suite`, all runs are taken for its own.
    """

    def key(record: RunRecord) -> tuple[str, str, int, str]:
        value = 0 if record.varied is None else record.varied.value
        return suite or record.suite, record.base_task, value, record.task

    return [group for _, group in sorted(grouped(found, key).items())]


def _at_look(group: list[Found], problems: list[str]) -> tuple[Look | None, list[Found]]:
    """The current look of a sequential suite and its runs; for any other suite, None and all runs."""
    rule, (run, record) = None, group[0]
    with collected(problems):
        rule = stated(suite_folder(run), {record.suite}).sequential
    return (None, group) if rule is None else at_look(group, rule)


def _short_runs(group: list[Found], problems: list[str]) -> str:
    """What the runs were limited to, if their suite, or one of their suites, is a shortened one."""
    for folder, suite in {suite_folder(run): record.suite for run, record in group}.items():
        with collected(problems):
            if short_runs := stated(folder, {suite}).short_runs:
                return short_runs
    return ""


def suite_folder(run: Path) -> Path:
    """The folder of the suite of a run, named like the run, so that what is wrong with it is told once."""
    is_named = len(run.parts) > 2 and ".." not in run.parts[-3:]
    return (run if is_named else run.absolute()).parent.parent.parent


def _cards(records: Sequence[RunRecord]) -> list[TaskCard]:
    """The task card, and a second one for models scored by the alternative of the main metric, if any.

    A masked model's pseudo-perplexity is easier to make small, so it is never compared with a perplexity.
    """
    card = _pointing(records[0].task_card, records)
    main = known_metrics().get(card.main_metric)
    other = main.alternative if main is not None else ""
    scores = [record.scores["test"] for record in records if "test" in record.scores]
    has, has_other = (
        any(math.isfinite(one.get(name, math.nan)) for one in scores) for name in (card.main_metric, other)
    )
    apart = _pointing(card.model_copy(update={"main_metric": other}), records)
    return [*([card] if has or not has_other else []), *([apart] if has_other else [])]


def _pointing(card: TaskCard, records: Sequence[RunRecord]) -> TaskCard:
    """The card with the direction of its metric; for a metric unknown to this version, that of most records."""
    metric = card.main_metric
    known = known_metrics().get(metric) or (find_metric(metric) if metric.startswith(EVALUATE) else None)
    said = [record.task_card.higher_is_better for record in records if record.task_card.main_metric == metric]
    most = 2 * sum(said) > len(said) or (2 * sum(said) == len(said) and card.higher_is_better)
    return card.model_copy(update={"higher_is_better": most if known is None else known.higher_is_better})


def _scored(
    found: Sequence[Found],
    models: Sequence[RunRecord],
    baseline: str | None,
    *,
    card: TaskCard,
    margins: Margins | None,
    look: Look | None,
) -> tuple[TaskComparison, Sequence[ModelRuns]]:
    """Compare the task's models, one cell each (named by any of its runs); return the comparison and the runs."""
    first = found[0][1]
    splits: dict[str, Split] = {}
    runs = grouped(found, lambda record: record.model)
    by_model: list[ModelRuns] = [model_runs(known, runs.get(known.model, ()), card, splits) for known in models]
    scored = [one for one in by_model if one.test_set is not None]
    records = [record for _, record in found]
    margin = None if margins is None else margins.of(first.base_task, unit_of(card.main_metric))
    tuned = tuned_models(found, card)
    with_repeats, without_repeats = orders_of(by_model, card)
    task = TaskComparison(
        suite=first.suite,
        task=first.task,
        card=card,
        cells=analysed_cells(by_model, card, baseline, margin, look),
        look=look,
        varied=first.varied,
        doubts=(*warnings_about(by_model, card), *tuning_doubts(tuned, f"{first.suite}/{first.task}")),
        doubts_of_order=doubts_of_order(
            [one.test_set for one in scored],
            [one.units for one in scored],
            [label for one in scored for rescored in one.rescored_runs for label in rescored.unknown_labels],
            is_flipped=any(is_flipped(record, card) for record in records),
            hangs_on_repeats=with_repeats[:1] != without_repeats[:1],
        ),
        doubts_of_claims=doubts_of_claims(
            [rescored.split for one in scored for rescored in one.rescored_runs],
            [[run.record for run in one.runs] for one in scored],
        ),
        margin=margin,
        tuned=tuned,
    )
    if look is not None:
        task = replace(task, look=replace(look, undecided=undecided(task, by_model, baseline)))
    return replace(task, needed=needed_to_tell(task, by_model)), by_model

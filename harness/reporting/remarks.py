"""What is missing from a comparison, doubtful in it, or noted by its runs, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.comparison.results import Comparison, TaskComparison
from harness.counted import counted
from harness.reporting.tables import task_name, title
from harness.suites.unread import rare_label_advice


@dataclass(frozen=True, slots=True)
class Remarks:
    """Lines by severity.

    Attributes:
        failures: Runs that failed or diverged, and unreadable records.
        gaps: Runs that other models have.
        warnings: Reasons to doubt a comparison, and runs left out of it.
        notes: Remarks of the runs, such as which weights are new.
    """

    failures: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def troubles(self) -> tuple[str, ...]:
        """All but the notes, most severe first."""
        return (*self.failures, *self.gaps, *self.warnings)

    @property
    def counted(self) -> str:
        """The number of each kind, such as "3 failures, 1 gap"; notes are no trouble, and not counted."""
        sorts = {"failure": self.failures, "gap": self.gaps, "warning": self.warnings}
        return ", ".join(counted(len(lines), sort) for sort, lines in sorts.items() if lines)


def remarks(comparison: Comparison) -> tuple[str, ...]:
    """Everything that is missing, doubtful or noted, most severe first, one line each."""
    found = sorted_remarks(comparison)
    return (*found.troubles, *found.notes)


def sorted_remarks(comparison: Comparison) -> Remarks:
    """Everything that is missing, doubtful or noted, by severity."""
    without_score = _without_score(comparison)
    failures = [line for line, is_failure in without_score if is_failure]
    left_out = [line for line, is_failure in without_score if not is_failure]
    return Remarks(
        failures=_in_one_line((*comparison.problems, *failures)),
        gaps=_in_one_line(_gaps(comparison)),
        warnings=_in_one_line((*comparison.warnings, *left_out)),
        notes=_in_one_line(_notes(comparison)),
    )


def _in_one_line(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(" ".join(line.split()) for line in lines)


def _without_score(comparison: Comparison) -> list[tuple[str, bool]]:
    """A line for every run without a score, and whether it failed; others were left out, such as copies.

    A run with a score in another metric of its task is not listed, because it predicts in that other way.
    """
    scored = {(task.suite, task.task, cell.model) for task in comparison.tasks for cell in task.cells if cell.scored}
    return [
        (
            f"{title(comparison, task)} · {cell.model} · seed {run.record.seed}: {run.trouble}",
            any(training.record.status != "complete" for training in run.trainings),
        )
        for task in comparison.tasks
        for cell in task.cells
        if cell.scored or (task.suite, task.task, cell.model) not in scored
        for run in cell.troubled
    ]


def _gaps(comparison: Comparison) -> list[str]:
    """A line for every model that lacks runs which others have."""
    lines = []
    for task in comparison.tasks:
        for cell in task.cells:
            if cell.missing_seeds or not cell.runs:
                seeds = ", ".join(map(str, cell.missing_seeds))
                where = f"{title(comparison, task)} · {cell.model}"
                lines.append(f"{where}: not run" + (f" (seed {seeds})." if seeds else "."))
    return lines


def _notes(comparison: Comparison) -> tuple[str, ...]:
    """Remarks of the runs, such as a batch halved for lack of memory; one line for all seeds or models that agree.

    The notes of a task are preceded by a line on its rare label, if no model gave it more weight.
    """
    lines: list[str] = []
    for task in comparison.tasks:
        advice = rare_label_advice([run.record for cell in task.cells for run in cell.runs])
        lines += [f"{task_name(comparison, task)}: {advice}"] if advice else []
        shared = _notes_of_every_model(task)
        lines += [f"{task_name(comparison, task)}: {note}" for note in shared]
        for cell in task.cells:
            said: dict[str, list[str]] = {}
            for run in cell.runs:
                for note in run.record.notes:
                    said.setdefault(note, []).append(str(run.record.seed))
            where = f"{task_name(comparison, task)} · {cell.model}"
            lines += [
                f"{where} · seed {', '.join(seeds)}: {note}" for note, seeds in said.items() if note not in shared
            ]
    return tuple(dict.fromkeys(lines))


def _notes_of_every_model(task: TaskComparison) -> tuple[str, ...]:
    """The notes of every run of several models, such as those on the data, in order; empty if there is one model."""
    by_model = {cell.model: [run.record for run in cell.runs if run.record.status != "failed"] for cell in task.cells}
    records = [record for found in by_model.values() for record in found]
    if sum(map(bool, by_model.values())) < 2:
        return ()
    return tuple(note for note in records[0].notes if all(note in record.notes for record in records))

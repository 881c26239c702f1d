"""What is missing from a comparison, doubtful in it, or noted by its runs: a line each."""

from __future__ import annotations

from harness.comparison.results import Comparison
from harness.reporting.tables import task_name, title


def remarks(comparison: Comparison) -> tuple[str, ...]:
    """Everything that is missing or doubtful, the gravest first, a line each."""
    found = (*comparison.problems, *comparison.warnings, *_troubles(comparison), *_notes(comparison))
    return tuple(" ".join(remark.split()) for remark in found)


def _troubles(comparison: Comparison) -> tuple[str, ...]:
    """A line for every run without a score, and for every gap.

    A run with a score in another of its task's metrics is none: it predicts in that other way.
    """
    scored = {(task.suite, task.task, cell.model) for task in comparison.tasks for cell in task.cells if cell.scored}
    lines = []
    for task in comparison.tasks:
        for cell in task.cells:
            where = f"{title(comparison, task)} · {cell.model}"
            if cell.scored or (task.suite, task.task, cell.model) not in scored:
                lines += [f"{where} · seed {run.record.seed}: {run.trouble}" for run in cell.troubled]
            if cell.missing_seeds or not cell.runs:
                seeds = ", ".join(map(str, cell.missing_seeds))
                lines.append(f"{where}: not run" + (f" (seed {seeds})." if seeds else "."))
    return tuple(lines)


def _notes(comparison: Comparison) -> tuple[str, ...]:
    """What the runs themselves note, such as a batch halved for want of memory; a line for the seeds that agree."""
    lines: list[str] = []
    for task in comparison.tasks:
        for cell in task.cells:
            said: dict[str, list[str]] = {}
            for run in cell.runs:
                for note in run.record.notes:
                    said.setdefault(note, []).append(str(run.record.seed))
            where = f"{task_name(comparison, task)} · {cell.model}"
            lines += [f"{where} · seed {', '.join(seeds)}: {note}" for note, seeds in said.items()]
    return tuple(dict.fromkeys(lines))

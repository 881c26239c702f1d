"""Provenance of the numbers: versions, machines, configurations, commands."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence

from harness.comparison.results import Comparison, TaskComparison
from harness.config.training import recipe_of
from harness.folders import SINGLE
from harness.record import RunRecord


def facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """The software and hardware of the runs, by name, with every value that occurred, usually only one."""
    records = _records(comparison.tasks)
    found = [record.provenance for record in records]
    packages = {name: "" for one in found for name in one.packages}
    hardware = {name: "" for one in found for name in one.hardware}
    dates = [moment for one in found for moment in (one.started, one.finished) if moment]
    commits = [f"{one.git_commit}{one.local_changes}" for one in found if one.git_commit]
    rows = [
        ("Runs", f"{len(records)} in {comparison.runs}"),
        ("Made", " to ".join(dict.fromkeys([min(dates), max(dates)])) if dates else ""),
        ("Commit", _distinct(commits)),
        *((name, _distinct(str(one.hardware[name]) for one in found if name in one.hardware)) for name in hardware),
        *((name, _distinct(one.packages[name] for one in found if name in one.packages)) for name in packages),
        *((f"Data of {task.task}", _distinct(_data_digests(task))) for task in comparison.tasks),
    ]
    return tuple(dict.fromkeys((name, value) for name, value in rows if value))


def configurations(task: TaskComparison) -> tuple[tuple[str, str], ...]:
    """The configuration of each model on the task as JSON, from its first seed, by model."""
    return tuple(
        (cell.model, json.dumps(cell.runs[0].record.config, indent=2, ensure_ascii=False))
        for cell in task.cells
        if cell.runs
    )


def commands(comparison: Comparison) -> tuple[str, ...]:
    """The commands that reproduce the runs and this report, as originally typed if recorded."""
    typed = [shlex.join(["harness", *_words(record)]) for record in _records(comparison.tasks)]
    baseline = ["--baseline", comparison.baseline] if comparison.baseline else []
    margin = comparison.margins.words() if comparison.margins else []
    folders = comparison.folders or (comparison.runs,)
    report = ["harness", "report", *folders, "--format", "html", *baseline, *margin, "--output", "report.html"]
    return (*dict.fromkeys(typed), shlex.join(report))


def _words(run: RunRecord) -> Sequence[str]:
    if run.provenance.command:
        return run.provenance.command
    return ["run", run.suite] if run.suite != SINGLE else _single_words(run)


def _single_words(run: RunRecord) -> list[str]:
    """The command of a run outside any suite. The user's own files are given by their original names."""
    own_files = run.config.get("local") or run.config.get("own")  # "own" in records of schema 1.
    given = own_files if isinstance(own_files, Mapping) else {"task": run.task}
    flags = [
        word
        for name, value in given.items()
        for part in (value if isinstance(value, list) else [value] if value else [])
        for word in (f"--{name.replace('_', '-')}", str(part))
    ]
    only = ["--validation-only"] if run.is_validation_only else []
    return ["run", *flags, "--model", run.model, "--seed", str(run.seed), *_settings(run), *only]


def _settings(run: RunRecord) -> list[str]:
    """Options for settings that differ from the defaults; a setting without a value can't be given."""
    recipe, recorded = recipe_of({"": {}}, []), run.config.get("training")
    assert recipe is not None, "nothing is wrong with the defaults"
    default = recipe.model_dump(mode="json")
    changed = {
        name: value
        for name, value in (recorded.items() if isinstance(recorded, Mapping) else ())
        if name in default and value is not None and value != default[name]
    }
    written = {name: value if isinstance(value, str) else json.dumps(value) for name, value in changed.items()}
    return [word for name, value in written.items() for word in ("--set", f"{name}={value}")]


def _records(tasks: Iterable[TaskComparison]) -> list[RunRecord]:
    """All records, without repetitions."""
    runs = [training for task in tasks for cell in task.cells for run in cell.runs for training in run.trainings]
    return list({id(run.record): run.record for run in runs}.values())


def _data_digests(task: TaskComparison) -> Sequence[str]:
    return [record.provenance.data_digest for record in _records([task]) if record.provenance.data_digest]


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))

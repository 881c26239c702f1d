"""Compare the runs of several folders, such as two suites, on the tasks that they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.comparison.comparison import compare, compare_records, suite_folder
from harness.comparison.doubts import differing_settings
from harness.comparison.results import Comparison
from harness.config.margin import Margins
from harness.errors import UserError, collected
from harness.record import RunRecord
from harness.records import Found, some_records
from harness.suites.suite_file import Stated, stated

ByFolder = Mapping[Path, Sequence[Found]]
_TESTED = ("data", "task type", "labels", "main metric", "number of test examples", "number of folds")


def compare_several(
    folders: Sequence[Path], *, baseline: str | None = None, margins: Margins | None = None
) -> Comparison:
    """Compare the runs of all folders as those of one suite, on the tasks that at least two of them have.

    A model with the same settings in two folders is one model, and a run with the same seed counts once. If its
    settings differ, it counts as several models, such as "minilm (first)" and "minilm (second)".

    Args:
        folders: Folders of runs, such as `runs/first` and `runs/second`. For a single one, see `compare`.
        baseline: The model that differences are taken from; default: that of the suites if they agree, else `scratch`
            if it exists.
        margins: The margins of non-inferiority; default: those of the suites if they agree.

    Raises:
        UserError: If a folder has no runs, the folders share no task, their runs can't be compared, or there is no such
            model or task.
    """
    folders = list(dict.fromkeys(folders))
    if len(folders) == 1:
        return compare(folders[0], baseline=baseline, margins=margins)
    problems: list[str] = []
    read = _read(folders, problems)
    suites = _stated(read, problems)
    labels = _labels(read)
    shared = _shared_tasks(read, problems)
    _refuse_other_data(shared)
    found = list(_named(shared, labels, problems))
    models, tasks = {record.model for _, record in found}, {record.base_task for _, record in found}
    own_baseline, margin = _agreed(one.baseline for one in suites), _agreed(one.margin for one in suites)
    return compare_records(
        found,
        where=", ".join(map(str, folders)),
        baseline=baseline or (own_baseline if own_baseline in models else None),
        margins=margins or (margin and margin.only(tasks)),
        problems=problems,
        suite=" and ".join(labels.values()),
        folders=tuple(map(str, folders)),
    )


def _read(folders: Sequence[Path], problems: list[str]) -> ByFolder:
    """The runs of each folder; a run in several of them counts for the first."""
    read: dict[Path, Sequence[Found]] = {}
    known = set[Path]()
    for folder in folders:
        found, unreadable = some_records(folder)
        problems += unreadable
        read[folder] = [one for one in found if one[0].resolve() not in known]
        known |= {run.resolve() for run, _ in found}
        if not read[folder]:
            raise UserError(f"{folder}: all its runs are in a folder that is named before it. Leave it out.")
    return read


def _stated(read: ByFolder, problems: list[str]) -> list[Stated]:
    """What is stated about each suite.

    Raises:
        UserError: If one adds seeds until its own comparisons are decided.
    """
    suites = {suite_folder(run): record.suite for found in read.values() for run, record in found}
    known: dict[Path, Stated] = {}
    for folder, name in suites.items():
        with collected(problems):
            known[folder] = stated(folder, {name})
    sequential = [folder for folder, one in known.items() if one.sequential is not None]
    if sequential:
        raise UserError(
            f"{sequential[0]}: seeds are added until its own comparisons are decided, so its claims hold for no "
            "others. Compare it alone."
        )
    return list(known.values())


def _labels(read: ByFolder) -> dict[Path, str]:
    """A short name of each folder: that of its suite if it is the only one of its name, else the folder's."""
    suites = [{record.suite for _, record in found} for found in read.values()]
    is_clear = all(len(one) == 1 for one in suites) and len(set[str]().union(*suites)) == len(suites)
    return {folder: min(one) if is_clear else str(folder) for folder, one in zip(read, suites, strict=True)}


def _shared_tasks(read: ByFolder, problems: list[str]) -> dict[str, dict[Path, list[Found]]]:
    """The runs by task and folder, without tasks of a single folder.

    Raises:
        UserError: If no task is left.
    """
    tasks: dict[str, dict[Path, list[Found]]] = {}
    for folder, found in read.items():
        for one in found:
            tasks.setdefault(one[1].task, {}).setdefault(folder, []).append(one)
    shared = {task: by_folder for task, by_folder in tasks.items() if len(by_folder) > 1}
    if not shared:
        names = (", ".join(sorted({one.task for _, one in found})) for found in read.values())
        each = "; ".join(f"{folder}: {tasks}" for folder, tasks in zip(read, names, strict=True))
        raise UserError(
            f"{', '.join(map(str, read))}: no two have a task in common ({each}). Compare each alone, or a folder that "
            "holds them all."
        )
    problems += [
        f"{task}: only in {', '.join(map(str, by_folder))}, so it is left out."
        for task, by_folder in tasks.items()
        if task not in shared
    ]
    return shared


def _refuse_other_data(shared: Mapping[str, Mapping[Path, Sequence[Found]]]) -> None:
    """Check that runs of a task have scores of the same kind on the same data in all folders.

    Raises:
        UserError: If not, with a line for each task.
    """
    mistakes = []
    for task, by_folder in shared.items():
        tested = [
            [_tested(record) for _, record in found if record.status == "complete"] for found in by_folder.values()
        ]
        first, *others = [one for one in tested if one] or [[]]
        differing = [name for name in _TESTED if any(_differ(name, first, other) for other in others)]
        if differing:
            where = " and ".join(map(str, by_folder))
            mistakes.append(f"{task}: {where} differ in {', '.join(differing)}. Compare each of them alone.")
    if mistakes:
        raise UserError(*mistakes)


def _tested(record: RunRecord) -> dict[str, Any]:
    """What must agree for scores to be comparable."""
    card, fold = record.task_card, record.fold
    limit = record.config.get("training", {}).get("test_examples")
    given = (record.config.get("data"), card.task_type, card.labels, card.main_metric, limit, fold and fold.of)
    return dict(zip(_TESTED, given, strict=True))


def _differ(name: str, first: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]) -> bool:
    return {one[name] for one in first}.isdisjoint(one[name] for one in other)


def _named(
    shared: Mapping[str, Mapping[Path, Sequence[Found]]], labels: Mapping[Path, str], problems: list[str]
) -> Iterator[Found]:
    """Yield the runs, those of models whose settings differ between folders with the folder's label in their name."""
    differing = {model for by_folder in shared.values() for model in _differing_models(by_folder)}
    for task, by_folder in shared.items():
        known: dict[tuple[str, str], Path] = {}
        for folder, found in by_folder.items():
            for run, record in found:
                which = record.model, record.which
                if record.model in differing:
                    yield run, record.model_copy(update={"model": f"{record.model} ({labels[folder]})"})
                elif known.setdefault(which, folder) == folder:
                    yield run, record
                elif not record.simple_baseline:
                    problems.append(
                        f"{task}/{record.model}, {record.which}: in {known[which]} and {folder}, with the same "
                        "settings. The first one counts."
                    )


def _differing_models(by_folder: Mapping[Path, Sequence[Found]]) -> Iterator[str]:
    """Yield the models of a task whose settings are not the same in all folders."""
    by_model: dict[str, list[RunRecord]] = {}
    for found in by_folder.values():
        firsts = {record.model: record for _, record in reversed(found)}
        for model, record in firsts.items():
            by_model.setdefault(model, []).append(record)
    yield from (model for model, records in by_model.items() if any(differing_settings(records)))


def _agreed(stated_ones: Iterable[Any]) -> Any:
    """What all that state anything state; None if they differ."""
    known = [one for one in stated_ones if one is not None]
    return known[0] if known and all(one == known[0] for one in known) else None

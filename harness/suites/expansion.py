"""Expand a suite, or a single run, to runs, and determine their states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.config.model import ModelConfig, SingleModel
from harness.config.run import Evaluate, LocalData, RunConfig
from harness.config.training import Training
from harness.data.custom import metric_problems
from harness.data.folders import is_there
from harness.data.loading import check_tables
from harness.data.sources import Files
from harness.errors import UserError, collected, nearest
from harness.folders import SINGLE
from harness.registry import TASKS
from harness.runs.content import model_files, script_files, weights_fingerprint
from harness.runs.run import Run, State
from harness.suites.folds import check_folds, fold_by_fold, seed_folder
from harness.suites.settling import settled_recipe
from harness.suites.sizes import is_small
from harness.suites.suite import Suite
from harness.varied import Varied


def planned_runs(suite: Suite, runs: Path, *, only: Sequence[str] = (), evaluate: Evaluate = "test") -> list[Run]:
    """List the suite's runs, task by task, value by value of a varied setting, seed by seed, fold by fold.

    So the first comparison is available early.

    Args:
        suite: The suite.
        runs: The folder of all runs.
        only: Names of tasks and models; the others are left out, and their files not even read. If it names no task,
            all tasks are kept, and likewise for models.
        evaluate: The split that trained models are scored on.

    Raises:
        UserError: For every mistake found, a line each.
    """
    mistakes: list[str] = list(_only_mistakes(suite, only))
    models: dict[str, ModelConfig] = {}
    known: list[_Data] = []
    for name in _wanted(suite.models, only):
        with collected(mistakes, f"models: {name}: "):
            models[name] = with_family(suite.models[name])
    for task in _wanted(suite.tasks, only):
        with collected(mistakes, f"tasks: {task}: "):
            data = _data(task, suite.local.get(task), suite.metrics.get(task, ()))
            known += [replace(data, task=one.name, varied=one) for one in suite.varied.get(task, ())] or [data]
    mistakes += _shared_folders(suite.models)
    if mistakes:
        raise UserError(*mistakes)
    read = [(name, _read(model)) for name, model in models.items()]
    planned = partial(_planned_run, suite.name, seed=suite.seeds[0], runs=runs, evaluate=evaluate)
    return [
        run
        for data in known
        for run in by_seed(
            [planned(name, data=data, model=model, recipe=suite.recipes[data.task, name]) for name, model in read],
            suite.seeds,
        )
    ]


def by_seed(first: Sequence[Run], seeds: Sequence[int]) -> Iterator[Run]:
    """The runs of every seed, given those of the first one, which have been validated for all.

    Simple baselines are deterministic, so they run with one seed.
    """
    yield from fold_by_fold(first)
    trained = [run for run in first if not run.config.model.is_simple_baseline]
    for seed in seeds[1:]:
        yield from fold_by_fold([_with_seed(run, seed) for run in trained])


def _with_seed(run: Run, seed: int) -> Run:
    config = run.config.model_copy(update={"seed": seed})
    return replace(run, config=config, folder=run.folder.with_name(seed_folder(seed)))


def single_runs(
    task: str,
    local: LocalData | None,
    models: Mapping[str, SingleModel],
    *,
    seeds: Sequence[int],
    runs: Path,
    evaluate: Evaluate = "test",
    suite: str = SINGLE,
) -> list[Run]:
    """List runs outside any suite file, seed by seed, fold by fold.

    The user's own data is also identified by content, because the next `reviews.csv` may differ, and by its folds.

    Raises:
        UserError: If the task, its files or a checkpoint is not available, or two models would share a folder.
    """
    shared = list(_shared_folders(models))
    if shared:
        raise UserError(*shared)
    data = _data(task, local, ())
    if local is not None:
        folds = f"-{local.folds}-folds" if local.folds else ""
        data = replace(data, task=f"{folder_name(task)}-{data.fingerprint.removeprefix('files:')[:8]}{folds}")
    planned = partial(_planned_run, suite, data=data, seed=seeds[0], runs=runs, evaluate=evaluate)
    first = [planned(name, model=_read(with_family(model)), recipe=recipe) for name, (model, recipe) in models.items()]
    return list(by_seed(first, seeds))


@dataclass(frozen=True)
class _Data:
    """A task, as far as it identifies a run."""

    task: str
    local: LocalData | None
    fingerprint: str
    metrics: tuple[str, ...]
    scripts: Mapping[str, str]
    task_type: str
    varied: Varied | None = None

    @property
    def folder(self) -> str:
        """The name of the folder of its runs."""
        return folder_name(self.task) if self.varied is None else self.varied.with_task(folder_name(self.varied.task))


@dataclass(frozen=True)
class _Model:
    """A model, as far as it identifies a run: its configuration and the content of its files."""

    config: ModelConfig
    weights: str
    files: Mapping[str, str]


def _read(model: ModelConfig) -> _Model:
    """Read the model's files, as far as they identify it."""
    return _Model(model, weights_fingerprint(model), model_files(model))


def _planned_run(
    suite: str,
    name: str,
    *,
    data: _Data,
    model: _Model,
    seed: int,
    recipe: Training,
    runs: Path,
    evaluate: Evaluate,
) -> Run:
    config = RunConfig(
        task=data.task,
        data=data.fingerprint,
        weights=model.weights,
        files={**model.files, **data.scripts},
        metrics=data.metrics,
        local=data.local,
        model=model.config,
        seed=seed,
        varied=data.varied,
        training=settled_recipe(recipe, model.config, data.task, local=data.local, task_type=data.task_type),
        evaluate=evaluate,
    )
    return Run(suite, name, config, runs / suite / data.folder / folder_name(name) / seed_folder(seed))


def states(planned: Sequence[Run]) -> list[State]:
    """The state of each run.

    Raises:
        UserError: For every run that is recorded with another configuration, with the differing keys.
    """
    found: list[State] = []
    mistakes: list[str] = []
    for run in planned:
        with collected(mistakes):
            found.append(run.state())
    if mistakes:
        raise UserError(*mistakes)
    return found


def with_family(model: ModelConfig) -> ModelConfig:
    """Resolve the family of a model: the one that supports its checkpoint's model_type."""
    if model.family is not None:
        return model
    from harness.models.checkpoint import family_of  # noqa: PLC0415 -- a plan of named families needs no Hub

    return model.model_copy(update={"family": family_of(model)})


def folder_name(name: str) -> str:
    """Convert a model's or file's name to the name of a single folder.

    >>> folder_name("google-bert/bert-base-uncased")
    'google-bert--bert-base-uncased'
    >>> folder_name("..")
    'unnamed'
    """
    plain = re.sub(r"[^\w.+-]", "-", name.strip("/").removesuffix(".toml").replace("/", "--"))
    return plain.lstrip(".") or "unnamed"


def _data(task: str, local: LocalData | None, metrics: Sequence[str]) -> _Data:
    if local is None:
        found = TASKS.load(task)
        problems = metric_problems(found.task_type, metrics)
        if problems:
            raise UserError(*problems)
    else:
        lost = [f"{file}: no such file. Check the path." for file in local.files().values() if not is_there(file)]
        if lost:
            raise UserError(*lost)
        local = local.settled()
        found = local.task(metrics)
        check_folds(local, found.source)
        # Without a file to train on, that is told first (`_check_trainable`).
        if local.train is not None and isinstance(found.source, Files) and is_small(found.source):
            check_tables(found)
    names = tuple(metrics) or found.metrics
    return _Data(task, local, found.source.fingerprint(), names, script_files(names), found.task_type)


def _only_mistakes(suite: Suite, only: Sequence[str]) -> Iterator[str]:
    known = {*suite.tasks, *suite.models}
    for name in only:
        if name not in known:
            yield f"--only {name}: neither a task nor a model of this suite.{nearest(name, known)}"


def _shared_folders(models: Iterable[str]) -> Iterator[str]:
    """Find models whose records would be in the same folder."""
    first: dict[str, str] = {}
    for name in models:
        other = first.setdefault(folder_name(name), name)
        if other != name:
            yield f"models: {other} and {name} would share the folder {folder_name(name)}. Rename one's file."


def _wanted(names: Iterable[str], only: Sequence[str]) -> list[str]:
    """The names in `only`; all if it contains none of them."""
    known = list(names)
    return [name for name in known if name in only] or known

"""Resolve the command line to runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.config.checking import parse_settings, valid
from harness.config.files import config_file, refuse_shared_folder
from harness.config.model import single_models
from harness.config.run import Evaluate, LocalData
from harness.data.folders import is_there
from harness.errors import UserError
from harness.runs.run import Run
from harness.suites.expansion import folder_name, planned_runs, single_runs
from harness.suites.seeds import rule_for
from harness.suites.slurm import check_independent, run_of
from harness.suites.suite import Suite, read_suite


def resolve_suite(
    suite: str,
    *,
    only: Sequence[str] | None,
    settings: Sequence[str] | None,
    runs: Path,
    evaluate: Evaluate = "test",
    until_decided: bool = False,
    trials: int | None = None,
    models: Sequence[str] = (),
    seeds: int | None = None,
    just: str | None = None,
) -> tuple[Suite, list[Run]]:
    """Resolve `suite`, the name of a file in configs/suites or a path, to a suite and its runs.

    Args:
        suite: The name given by the user.
        only: Names of its tasks and models; the others are left out.
        settings: Training settings of every recipe, as key=value.
        runs: The folder of all runs.
        evaluate: The split that trained models are scored on.
        until_decided: Whether to add seeds until its comparisons are decided, even if its file lists seeds.
        trials: Number of trials of each model, overriding the suite's; None: as in the suite.
        models: Models that replace the suite's own, if any.
        seeds: Number of seeds, overriding the suite's; None: as in the suite.
        just: The only run to return, by its folder relative to the suite's; None: all.

    Raises:
        UserError: If it has mistakes.
    """
    file = Path(suite) if suite.endswith(".toml") else config_file("suites", suite)
    if not file.exists() and is_there(Path(suite)):
        raise UserError(
            f"{suite}: not a suite, which is a .toml file. For your own data: harness choose {shlex.quote(suite)} "
            "(with --write, it only writes a suite)."
        )
    refuse_shared_folder(file.stem, file)
    found = read_suite(
        file, overrides=parse_settings(settings or []), trials=trials, other_models=models, seed_count=seeds
    )
    named = [name for name in only or () if name in found.models]
    if named and found.tuning is not None and found.tuning.budget != "trials":
        raise UserError(
            f"--only {named[0]}: how many trials a model has depends on what those of all models cost (tuning.budget = "
            f'"{found.tuning.budget}"). Name tasks alone, or set budget = "trials".'
        )
    if until_decided and found.rule is None:
        rule = rule_for(found.seeds)
        found = replace(found, seeds=rule.seeds, rule=rule)
    if just is None:
        return found, planned_runs(found, runs, only=only or (), evaluate=evaluate)
    check_independent(found, f"--just {just}")
    candidates = planned_runs(found, runs, only=only or _names_in(just, found), evaluate=evaluate)
    return found, [run_of(candidates, just, runs / found.name)]


def _names_in(run: str, suite: Suite) -> list[str]:
    """The task and model of a run by its folder, so that only their files are read."""
    parts = set(Path(run).parts)
    tasks = [task for task in suite.tasks if parts & {task, *(one.name for one in suite.varied.get(task, ()))}]
    return [*tasks, *(model for model in suite.models if folder_name(model) in parts)]


def resolve_single(
    task: str | None,
    models: Sequence[str],
    local: Mapping[str, Any],
    *,
    seeds: Sequence[int],
    settings: Sequence[str] | None,
    runs: Path,
    new_head: bool = False,
    evaluate: Evaluate = "test",
) -> list[Run]:
    """The runs of models on one task or on the user's own files; in cross-validation, one per fold.

    Args:
        task: The name of a task.
        models: The names of models.
        local: Options about the user's files, by name.
        seeds: The seeds of each model; a simple baseline uses only the first.
        settings: Training settings as key=value.
        runs: The folder of all runs.
        new_head: Whether to discard the checkpoint's head, like `head = "new"` in a model file.
        evaluate: The split that the trained model is scored on.

    Raises:
        UserError: If neither or both of `task` and own files are given, no model is given, or they have mistakes.
    """
    files = local["train"] or local["test"]
    if not models or (task is None) == (files is None):
        raise UserError(
            "harness run: name a suite, or --models with --task, or --models with --train. See: harness run --help."
        )
    data = None
    if task is None:
        given = {key: value for key, value in local.items() if value is not None}
        task, data = Path(str(files)).stem, valid(LocalData, given, "harness run: --")
    found = single_models(models, parse_settings(settings or []))
    if new_head:
        found = {one: (model.model_copy(update={"head": "new"}), recipe) for one, (model, recipe) in found.items()}
    return single_runs(task, data, found, seeds=seeds, runs=runs, evaluate=evaluate)

"""The cells of a suite, or of a single run, and what of them is there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from harness.cell import Cell, State
from harness.config import ModelConfig, OwnData, RunConfig, Suite, Training
from harness.errors import UserError
from harness.record import write_atomically
from harness.registry import FAMILIES, TASKS
from tasks.metrics import metric
from tasks.own import own_task

SUITE_FILE = "suite.json"
SINGLE = "single"


def suite_cells(suite: Suite, runs: Path, *, only: Sequence[str] = ()) -> list[Cell]:
    """The suite's cells, task by task, seed by seed, so that a comparison is there early.

    Args:
        suite: What to run.
        runs: The folder of all runs.
        only: Names of tasks and models; where any is given, the others are left out.

    Raises:
        UserError: Every mistake found, a line each.
    """
    _check_only(suite, only)
    models, mistakes = {}, []
    for name, model in suite.models.items():
        try:
            models[name] = with_family(model)
        except UserError as error:
            mistakes += [f"models: {line}" for line in error.lines]
    found = []
    for task in suite.tasks:
        try:
            fingerprint, metrics = _identity(task, suite.own.get(task), suite.metrics.get(task, ()))
        except UserError as error:
            mistakes += error.lines
            continue
        for seed in suite.seeds:
            for name, model in models.items():
                config = RunConfig(
                    task=task,
                    data=fingerprint,
                    metrics=metrics,
                    own=suite.own.get(task),
                    model=model,
                    seed=seed,
                    training=_relevant(suite.recipes[name], model),
                )
                found.append(
                    Cell(suite.name, name, config, runs / suite.name / task / folder_name(name) / f"seed-{seed}")
                )
    if mistakes:
        raise UserError(*mistakes)
    wanted = [cell for cell in found if _wanted(cell, only, suite)]
    return _once_for_floors(wanted)


def single_cell(
    task: str, own: OwnData | None, *, name: str, model: ModelConfig, seed: int, training: Training, runs: Path
) -> Cell:
    """The cell of one run outside any suite."""
    model = with_family(model)
    fingerprint, metrics = _identity(task, own, ())
    config = RunConfig(
        task=task,
        data=fingerprint,
        metrics=metrics,
        own=own,
        model=model,
        seed=seed,
        training=_relevant(training, model),
    )
    return Cell(SINGLE, name, config, runs / SINGLE / task / folder_name(name) / f"seed-{seed}")


def states(cells: Sequence[Cell]) -> list[State]:
    """What of each cell is there.

    Raises:
        UserError: Every cell that is recorded with another configuration, with the differing keys.
    """
    found: list[State] = []
    mistakes: list[str] = []
    for cell in cells:
        try:
            found.append(cell.state())
        except UserError as error:
            mistakes += error.lines
    if mistakes:
        raise UserError(*mistakes)
    return found


def with_family(model: ModelConfig) -> ModelConfig:
    """The model with its family named: the one that knows its checkpoint's model_type."""
    if model.family is not None:
        return model
    from harness.models._stock import family_of  # noqa: PLC0415 -- a plan of named families needs no torch

    families = {name: FAMILIES.load(name) for name in FAMILIES.files()}
    return model.model_copy(update={"family": family_of(model, families)})


def write_suite(suite: Suite, runs: Path) -> Path:
    """Write what a report wants to know of the suite into its folder of runs, and return that folder."""
    folder = runs / suite.name
    folder.mkdir(parents=True, exist_ok=True)
    content = {"baseline": suite.baseline, "tasks": suite.tasks, "models": list(suite.models), "seeds": suite.seeds}
    write_atomically(folder / SUITE_FILE, json.dumps(content).encode())
    return folder


def folder_name(model: str) -> str:
    """A model's name as one folder's name.

    >>> folder_name("google-bert/bert-base-uncased")
    'google-bert--bert-base-uncased'
    """
    return re.sub(r"[^\w.+-]", "-", model.strip("/").removesuffix(".toml").replace("/", "--")).lstrip(".")


def _identity(task: str, own: OwnData | None, metrics: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    found = own_task(**own.model_dump(exclude_none=True)) if own else TASKS.load(task)
    chosen = tuple(metrics) or found.metrics
    for name in chosen:
        metric(name)
    return found.source.fingerprint(), chosen


def _relevant(training: Training, model: ModelConfig) -> Training:
    """The recipe without what a floor does not read, so that a new learning rate does not ask for a new floor."""
    assert model.family is not None
    if not hasattr(FAMILIES.load(model.family), "fit"):
        return training
    limits = {key: getattr(training, key) for key in ("train_examples", "validation_examples", "test_examples")}
    return Training(**limits)


def _once_for_floors(cells: Sequence[Cell]) -> list[Cell]:
    """Floors have no randomness: one seed says everything."""
    kept: dict[tuple[str, str, int], Cell] = {}
    for cell in cells:
        floor = hasattr(FAMILIES.load(str(cell.config.model.family)), "fit")
        kept.setdefault((cell.config.task, cell.model, 0 if floor else cell.config.seed), cell)
    return list(kept.values())


def _check_only(suite: Suite, only: Sequence[str]) -> None:
    known = {*suite.tasks, *suite.models}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise UserError(
            *(
                f"--only {name}: neither a task nor a model of this suite. Known: {', '.join(sorted(known))}."
                for name in unknown
            )
        )


def _wanted(cell: Cell, only: Sequence[str], suite: Suite) -> bool:
    tasks, models = set(only) & set(suite.tasks), set(only) & set(suite.models)
    return (not tasks or cell.config.task in tasks) and (not models or cell.model in models)

"""What the command line asks for, as cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cell import Cell
from harness.checking import parse_settings
from harness.config import OwnData, find_model, recipe_for
from harness.errors import UserError
from harness.grid.cells import single_cell, suite_cells
from harness.grid.suite import Suite, read_suite
from harness.registry import CONFIGS


def asked_suite(
    suite: str, *, only: Sequence[str] | None, settings: Sequence[str] | None, runs: Path
) -> tuple[Suite, list[Cell]]:
    """The suite called `suite`, a file's name in configs/suites or a path, and its cells.

    Raises:
        UserError: It has mistakes.
    """
    file = Path(suite) if suite.endswith(".toml") else CONFIGS / "suites" / f"{suite}.toml"
    found = read_suite(file, overrides=parse_settings(settings or []))
    return found, suite_cells(found, runs, only=only or ())


def asked_single(
    task: str | None,
    model: str | None,
    own: Mapping[str, Any],
    *,
    seed: int,
    settings: Sequence[str] | None,
    runs: Path,
) -> Cell:
    """The cell of one model on one task, or on the user's own files.

    Args:
        task: A task's name.
        model: A model's.
        own: What the command line says of own files, by the option's name.
        seed: The run's.
        settings: Of the recipe, as key=value.
        runs: The folder of all runs.

    Raises:
        UserError: Neither or both of `task` and own files are given, or no model; or they have mistakes.
    """
    if model is None or (task is None) == (own["train"] is None):
        raise UserError(
            "harness run: name a suite, or --model with --task, or --model with --train. See: harness run --help."
        )
    if task is not None:
        _refuse_with_task(own)
        data, name = None, task
    else:
        data = OwnData(**{key: value for key, value in own.items() if value is not None})
        name = Path(str(own["train"])).stem
    found = find_model(model)
    recipe = recipe_for(found, parse_settings(settings or []))
    return single_cell(name, data, name=model, model=found, seed=seed, training=recipe, runs=runs)


def refuse_with_suite(**flags: Any) -> None:
    """Refuse what the suite's file says, where the command line says it too.

    Raises:
        UserError: Any of the flags is given.
    """
    given = [f"--{name}" for name, value in flags.items() if value not in (None, ())]
    if given:
        raise UserError(
            f"harness run: {', '.join(given)} can't stand beside a suite; the suite's file says what to run."
        )


def _refuse_with_task(own: Mapping[str, Any]) -> None:
    given = [f"--{name}" for name, value in own.items() if value]
    if given:
        raise UserError(f"harness run: {', '.join(given)} can't stand beside --task; they describe --train files.")

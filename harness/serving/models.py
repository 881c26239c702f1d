"""The served models: one run, or two that read the same columns, and their description."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from threading import Lock
from typing import Any

from harness.errors import UserError
from harness.runs.predict import Predictor, predictor


class Served:
    """Runs that answer the same rows, one request at a time, because a model can't run twice at once.

    Args:
        runs: The folders of runs, or of exports.

    Raises:
        UserError: If there is no such run, or two runs read different columns.
    """

    def __init__(self, runs: Sequence[Path]) -> None:
        self._predictors = [predictor(run) for run in runs]
        self._lock = Lock()
        first, *others = self._predictors
        for other in others:
            if other.task.task_type != first.task.task_type or _columns(other) != _columns(first):
                raise UserError(
                    f"{other.run}: reads {_told(other)}, but {first.run} reads {_told(first)}. "
                    "Compare runs of one task."
                )
        for known in self._predictors:
            _ = known.model  # Loaded now, so that errors show before the first request.

    def description(self) -> dict[str, Any]:
        """The description of what is served, for a page or a program."""
        task = self._predictors[0].task
        columns = task.type.option_columns(task)
        return {
            "task": self._predictors[0].record.task,
            "task_type": task.task_type,
            "columns": [name for names in columns.values() for name in names],
            "models": [
                {"name": known.record.model, "run": str(known.run), "scores": _scores(known)}
                for known in self._predictors
            ],
        }

    def answer(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return each model's answers to the rows, with the time taken in seconds.

        Raises:
            UserError: For every mistake in the rows.
        """
        with self._lock:
            return [_answer(known, rows) for known in self._predictors]


def _answer(known: Predictor, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    started = time.perf_counter()
    found = known.predict(rows)
    seconds = time.perf_counter() - started
    return {"name": known.record.model, "run": str(known.run), "seconds": round(seconds, 6), "rows": found}


def _scores(known: Predictor) -> dict[str, float]:
    """The test scores; a masked language model has no perplexity: it is NaN, which JSON lacks."""
    return {name: score for name, score in known.record.scores.get("test", {}).items() if isfinite(score)}


def _columns(known: Predictor) -> dict[str, tuple[str, ...]]:
    return dict(known.task.type.option_columns(known.task))


def _told(known: Predictor) -> str:
    names = ", ".join(name for columns in _columns(known).values() for name in columns)
    return f"{names} ({known.task.task_type})"

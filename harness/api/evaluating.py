"""`evaluate`: score a model without training it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from harness.api.data import rows_of
from harness.api.finetuning import finetune
from harness.api.finished import FinishedRun, run_folder
from harness.data.files import read_rows
from harness.errors import UserError
from harness.folders import EVALUATED
from harness.ops.unchanged import unchanged_process
from harness.record import RECORD
from harness.runs.evaluation import evaluation_of_rows, evaluation_of_split
from harness.runs.exported import is_export


def evaluate(
    run_or_model: FinishedRun | str | Path,
    *,
    task: str | None = None,
    data: Any = None,
    split: Literal["train", "validation", "test"] | None = None,
    **more: Any,
) -> dict[str, float]:
    """Score a model without training it, and return its scores by metric.

    The checkpoint of a finished run is scored on `data`, which must contain the answers, or without `data` on a split
    of the run's own task; the test split then reproduces the recorded scores.

    Any other checkpoint (a Hub id, a folder or a model name) is scored on a split of `task` or `data`, which are those
    of `finetune`. It is recorded below `runs/evaluated` as a run of zero steps.

        harness.evaluate(run, data="reviews_of_may.csv")
        harness.evaluate("textattack/bert-base-uncased-SST-2", task="sst2")

    Args:
        run_or_model: A run, its folder or that of an export; or a model as in `finetune`.
        task: The name of a task; not for a run, which has its own.
        data: For a run, a file, a data frame or rows with the columns of its task; otherwise as in `finetune`.
        split: The split to score, "test" by default. "train" is for finished runs only, and none is for a run's `data`.
        **more: For a run, `separator` and `encoding` of the file; otherwise further arguments of `finetune`, such as
            `runs`, `seeds=1` or `max_length=256`.

    Raises:
        UserError: If there is no such run or model, or if the data is invalid or does not fit the model.
    """
    folder = run_folder(run_or_model)
    if isinstance(run_or_model, FinishedRun) or (folder / RECORD).is_file() or is_export(folder):
        format_of_file = {name: more.pop(name, None) for name in ("separator", "encoding")}
        _refuse_with_run(task, more)
        if data is not None and split is not None:
            raise UserError(f"split: {split!r}: data for a run is scored as a whole. Leave one of them out.")
        return _evaluate_run(folder, data, split or "test", **format_of_file)
    split = "test" if split is None else split
    if split not in ("validation", "test"):
        raise UserError(f"split: {split!r}: a model that is not a run can only be scored on 'validation' or 'test'.")
    if (task is None) == (data is None):
        got = "neither" if task is None else "both"
        raise UserError(f"evaluate: a model that is not a run needs either a task or data (got {got}).")
    return _evaluate_model(run_or_model, split, {"name": EVALUATED, **more, "task": task, "data": data})


def _evaluate_model(model: str | Path, split: str, arguments: Mapping[str, Any]) -> dict[str, float]:
    runs = finetune(**{**arguments, "model": model, "maximum_steps": 0})
    if len(runs) != 1:
        raise UserError(f"evaluate: needs one run (got {len(runs)}). Give one seed, or use finetune(maximum_steps=0).")
    if runs[0].status != "complete":
        raise UserError(f"{runs[0].folder}: {runs[0].status}. {runs[0].reason}")
    return dict(runs[0].record.scores[split])


def _evaluate_run(
    folder: Path, data: Any, split: str, *, separator: str | None, encoding: str | None
) -> dict[str, float]:
    with unchanged_process():
        if data is None:
            return evaluation_of_split(folder, split).scores
        is_file = isinstance(data, str | Path)
        rows = read_rows(Path(data), separator=separator, encoding=encoding) if is_file else rows_of(data, "data")
        return evaluation_of_rows(folder, rows).scores


def _refuse_with_run(task: str | None, more: dict[str, Any]) -> None:
    given = [*(["task"] if task is not None else []), *more]
    if given:
        raise UserError(
            f"evaluate: {', '.join(given)} can't be given with a run, which has a task and a recipe already."
        )

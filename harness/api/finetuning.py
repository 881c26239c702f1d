"""`finetune`: train models on a task with several seeds, into the same run folders as the command line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from harness.api.data import local_data
from harness.api.finished import FinishedRun
from harness.claims.record import is_study
from harness.config.model import SingleModel, single_models
from harness.config.run import LocalData
from harness.errors import UserError, notice
from harness.folders import EVALUATED, OTHER_FOLDERS, SINGLE
from harness.ops.unchanged import unchanged_process
from harness.output import console
from harness.record import RECORD, read_record
from harness.runs.options import Options
from harness.runs.run import Run
from harness.suites.expansion import folder_name, single_runs
from harness.suites.runner import execute_runs
from harness.suites.trials import execute_trials
from harness.tuning.settings import Tuning, tuning_of


def finetune(
    *,
    model: str | Path | Sequence[str | Path],
    task: str | None = None,
    data: Any = None,
    seeds: int | Iterable[int] = (0,),
    runs: str | Path = "runs",
    name: str = SINGLE,
    workers: int = 1,
    redo: bool = False,
    progress: bool = True,
    tuning: Mapping[str, Any] | None = None,
    **settings: Any,
) -> list[FinishedRun]:
    """Fine-tune each model on a task with each seed, and return the finished runs.

    Does what `harness run` does, with the same folders, records and locks: runs that are already recorded are returned
    without being run again, and an interrupted call continues when it is repeated. A run that fails does not stop the
    others; it is in the list with its `status` and `reason`. A run that another process is working on is left out.
    Random state, threads and environment variables of the calling process are restored afterwards.

        harness.finetune(model=["minilm", "tfidf"], task="rotten_tomatoes", seeds=range(3), epochs=2)
        harness.finetune(model="minilm", data={"train": "reviews.csv", "text": "review", "label": "stars"})

    Args:
        model: One model or several: a name from `harness list models`, a .toml file, a checkpoint folder or a Hub id.
        task: A name from `harness list tasks`.
        data: Your own data instead of a task: a file; a data frame or a list of rows, which is saved below `runs`; or a
            mapping of splits to these, which may also name columns, with the keys that `harness run` has as options.
        seeds: One seed or several. A simple baseline is deterministic and runs once.
        runs: The folder for all runs.
        name: The folder inside `runs` for these runs, such as the name of a study.
        workers: The number of processes that run side by side; 1 runs everything in the calling process. With more, a
            script must call this under `if __name__ == "__main__":`, because the workers import it.
        redo: Replace runs that are already recorded.
        progress: Show progress. If False, nothing is printed.
        tuning: The settings of a suite's [tuning] table, such as {"trials": 8}: each model then trains with the best of
            that many recipes, chosen on validation data. Trials are recorded, but not returned.
        **settings: Training settings that override the model's own, such as `epochs=2, learning_rate=3e-5`; the same
            as `--set`.

    Raises:
        UserError: If neither or both of `task` and `data` are given; if they, a model, a setting or `name` are invalid;
            or if a run is already recorded with other settings and `redo` is False.
    """
    with unchanged_process():
        recipes, chosen = _recipes(model, settings), _checked_seeds(seeds)
        _check_workers(workers)
        suite = _suite(name, Path(runs), is_trained=settings.get("maximum_steps") != 0)
        local = _local(task, data, Path(runs))
        named = str(task) if local is None else Path(local.train or str(local.test)).stem
        planned = single_runs(named, local, recipes, seeds=chosen, runs=Path(runs), suite=suite)
        options, shown = Options(redo=redo, workers=workers), console(quiet=not progress)
        planned, _, _ = execute_trials(planned, _tuning(tuning, recipes), options, shown)
        tally = execute_runs(planned, options, shown)
    return _finished(planned, tally.failed)


def _recipes(model: str | Path | Sequence[str | Path], settings: Mapping[str, Any]) -> dict[str, SingleModel]:
    """Each model with its recipe, by name.

    Raises:
        UserError: There is none, or every mistake in them.
    """
    if not isinstance(model, str | Path | Iterable):
        raise UserError(f"model: must be a name, a path, or a list of them (got {model!r}).")
    names = [str(one) for one in ([model] if isinstance(model, str | Path) else model)]
    if not names:
        raise UserError("finetune: no model (got an empty list). Name at least one.")
    return single_models(names, settings, where="")


def _tuning(content: Mapping[str, Any] | None, models: Collection[str]) -> Tuning | None:
    """How recipes are chosen.

    Raises:
        UserError: Every mistake in what is said of it.
    """
    mistakes: list[str] = []
    if not isinstance(content, Mapping | None):
        raise UserError(f'tuning: must be a mapping (got {content!r}). Write tuning={{"trials": 8}}.')
    found = tuning_of(content, models, "", mistakes)
    if mistakes:
        raise UserError(*mistakes)
    return found


def _checked_seeds(seeds: int | Iterable[int]) -> list[int]:
    chosen = list(seeds) if isinstance(seeds, Iterable) else [seeds]
    wrong = [seed for seed in chosen if not isinstance(seed, Integral) or not 0 <= seed < 2**32]
    if wrong or not chosen:
        got = repr(wrong[0]) if wrong else "none"
        raise UserError(f"seeds: must be whole numbers from 0 to 2**32 - 1 (got {got}). Write seeds=(0, 1, 2).")
    if not isinstance(seeds, Iterable) and seeds > 1:
        notice(f"seeds={seeds}: a single run with the seed {seeds}. For {seeds} seeds, write seeds=range({seeds}).")
    return [int(seed) for seed in dict.fromkeys(chosen)]


def _suite(name: str, runs: Path, *, is_trained: bool) -> str:
    """The name of the folder in `runs` for these runs.

    Raises:
        UserError: If it is for something else.
    """
    if not isinstance(name, str):
        raise UserError(f"name: must be the name of a folder (got {name!r}).")
    folder = folder_name(name)
    allowed = (SINGLE,) if is_trained else (SINGLE, EVALUATED)
    if folder in OTHER_FOLDERS and folder not in allowed:
        raise UserError(f"name: the folder {folder} of runs is for {OTHER_FOLDERS[folder]}. Choose another name.")
    if is_study(runs / folder):
        raise UserError(f"name: {runs / folder} has what a study measured. Choose another name.")
    return folder


def _check_workers(workers: int) -> None:
    if not isinstance(workers, Integral) or workers < 1:
        raise UserError(f"workers: must be a whole number, 1 or more (got {workers!r}). Write workers=2.")


def _local(task: str | None, data: Any, runs: Path) -> LocalData | None:
    if (task is None) == (data is None):
        raise UserError(f"finetune: give either a task or data (got {'neither' if task is None else 'both'}).")
    if task is not None and not isinstance(task, str):
        raise UserError(f"task: must be a name (got a {type(task).__name__}). Give your own data as data=.")
    return None if data is None else local_data(data, runs)


def _finished(planned: Sequence[Run], failed: int) -> list[FinishedRun]:
    """Return the recorded runs, given how many have just failed."""
    found = [
        FinishedRun(run.folder, read_record(run.folder / RECORD)) for run in planned if (run.folder / RECORD).is_file()
    ]
    unrecorded = failed - sum(run.status == "failed" for run in found)
    if unrecorded > 0:
        raise UserError(
            f"finetune: {unrecorded} of {len(planned)} runs failed; what they were to replace is kept. "
            "Use progress=True to see why."
        )
    return found

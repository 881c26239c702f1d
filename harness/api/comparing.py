"""`compare`: compare the models of recorded runs in a notebook, a terminal, a data frame or a report file."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.api.finished import FinishedRun
from harness.api.notebook import notebook_html
from harness.comparison import comparison as of_records
from harness.comparison.results import Comparison as Results
from harness.comparison.several import compare_several
from harness.config.margin import margins_of
from harness.errors import UserError
from harness.output import console
from harness.reporting.files import format_of, write_report
from harness.reporting.rows import Row, tidy_rows
from harness.reporting.terminal import show

if TYPE_CHECKING:
    import pandas

WIDTH = 120
"""The width of printed tables in characters, if there is no terminal to ask."""


class Comparison:
    """Scores, differences and costs of models on tasks, with intervals. Prints as tables, in a notebook as HTML.

    Attributes:
        results: The complete results; see `harness.comparison.results.Comparison`.
    """

    def __init__(self, results: Results) -> None:
        self.results = results

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models, simple baselines last."""
        return self.results.models

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks."""
        return tuple(dict.fromkeys(task.task for task in self.results.tasks))

    @property
    def baseline(self) -> str | None:
        """The model that the others are compared with, if any."""
        return self.results.baseline

    def rows(self, what: str = "scores") -> list[Row]:
        """Return the table `what` as a list of dictionaries; see `to_pandas`."""
        return tidy_rows(self.results, what)[0]

    def to_pandas(self, what: str = "scores") -> pandas.DataFrame:
        """Return one table of the comparison as a tidy data frame.

        Scores are in their natural unit; accuracy, for example, is between 0 and 1.

        Args:
            what: The table to return:

                - "scores": one row per model, task, seed and metric.
                - "means": one row per model and task, with the mean over seeds and its 95 % interval.
                - "differences": one row per comparison of a model with the baseline or with the best simple baseline:
                  difference, 95 % interval and adjusted p-value.
                - "over_tasks": one row per model, with the number of tasks on which it is shown to be better or worse;
                  empty for a single task.
                - "trials": one row per tuning trial, with its validation score and a column for each setting that
                  varies.

        Raises:
            UserError: If pandas is not installed, or there is no such table.
        """
        rows, columns = tidy_rows(self.results, what)
        try:
            import pandas  # noqa: PLC0415 -- need not be installed
        except ImportError as error:
            raise UserError("to_pandas: pandas is not installed. pip install pandas") from error
        return pandas.DataFrame(rows, columns=columns)

    def save(self, file: str | Path, *, only: Sequence[str] = ()) -> Path:
        """Write a report in the format of the file's extension, and return its path.

        Args:
            file: The file to write, such as report.html, report.md, report.tex or report.csv.
            only: The sections to include, such as ["scores", "cost"]. All by default.

        Raises:
            UserError: If no report format has this extension, or the format has no such section.
        """
        target = Path(file)
        chosen = (only,) if isinstance(only, str) else tuple(only)
        write_report(format_of(target), self.results, target, {"only": chosen} if chosen else None)
        return target

    def __str__(self) -> str:
        sink = io.StringIO()
        show(self.results, console(file=sink, width=shutil.get_terminal_size((WIDTH, 0)).columns))
        return sink.getvalue()

    def __repr__(self) -> str:
        against = f", against {self.baseline}" if self.baseline else ""
        return f"Comparison({', '.join(self.models)} on {', '.join(self.tasks)}{against})"

    def _repr_html_(self) -> str:
        return notebook_html(self.results)


def compare(
    runs: str | Path | FinishedRun | Iterable[FinishedRun] | Iterable[str | Path] = "runs",
    *,
    baseline: str | None = None,
    margin: float | Mapping[str, float] | None = None,
) -> Comparison:
    """Compare recorded runs: which model is better, by how much, and at what cost.

    Scores are recomputed from the recorded predictions. reports/README.md explains intervals and adjusted p-values.

    Args:
        runs: A folder of runs, such as "runs" or "runs/reviews"; several folders, such as those of two suites, which
            are compared as one on the tasks that they share; or runs from `finetune` or `load_runs`.
        baseline: The model to compare the others with. By default the suite's own, or else `scratch` if it was run.
        margin: The smallest difference that matters, in the units of the report: a number, such as 1.0 for one
            percentage point, which holds for every task scored in points; or a mapping from task to number. By default
            the suite's own.

    Raises:
        UserError: If there are no runs, if no model is called `baseline`, or if `margin` is invalid.
    """
    try:
        margins = margins_of(margin)
    except ValueError as error:
        raise UserError(f"compare: margin: {error} (got {margin!r}).") from error
    if isinstance(runs, str | Path):
        return Comparison(of_records.compare(Path(runs), baseline=baseline, margins=margins))
    given: list[Any] = list(runs) if isinstance(runs, Iterable) else [runs]
    if not given:
        raise UserError("compare: no runs (got an empty list). Give runs, or the folder that they lie in.")
    if all(isinstance(one, str | Path) for one in given):
        return Comparison(compare_several([Path(one) for one in given], baseline=baseline, margins=margins))
    wrong = [one for one in given if not isinstance(one, FinishedRun)]
    if wrong:
        raise UserError(
            f"compare: not a run (got {wrong[0]!r}). Give runs of finetune or load_runs, or folders of runs."
        )
    found = [(run.folder, run.record) for run in given]
    where = os.path.commonpath([folder.absolute() for folder, _ in found])
    return Comparison(of_records.compare_records(found, where=where, baseline=baseline, margins=margins))

"""`predict`: apply the model of a finished run to new text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.api.data import rows_of
from harness.api.finished import FinishedRun, run_folder
from harness.data.folders import is_there
from harness.errors import UserError
from harness.ops.unchanged import unchanged_process
from harness.runs.predict import predict_rows, rows_to_read


def predict(
    run: FinishedRun | str | Path,
    rows: Any,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    **settings: Any,
) -> list[dict[str, Any]]:
    """Predict new rows with the model of a finished run, as `harness predict` does.

    Returns the rows with the prediction added, and with probabilities or scores if the task type has them. The model is
    loaded on every call, so pass all rows at once.

        harness.predict(run, ["a joy from start to end", "dull"])
        harness.predict("runs/single/boolq/minilm/seed-0", [("is the sky blue", "The sky is blue.")])
        harness.predict(run, "new_reviews.csv")
        harness.predict(answering_run, "questions.jsonl", n_best=3)

    Args:
        run: A run or its folder.
        rows: Texts; pairs of texts, as tuples; mappings with the columns of the run's task; a data frame; or the path
            of a csv, tsv, json, jsonl, parquet or other file.
        separator: The field separator of a csv or tsv file. Guessed by default.
        encoding: The encoding of a text file. Guessed by default.
        **settings: Further options of the run's task type, named like those of `harness predict`.

    Raises:
        UserError: If the run has no checkpoint, or if rows do not fit its task; lists every mistake.
    """
    folder = run_folder(run)
    with unchanged_process():
        if isinstance(rows, str) and not is_there(rows):
            raise UserError(f"predict: no such file (got {rows!r}). If it is a text, give it in a list: [{rows!r}].")
        if isinstance(rows, str | Path):
            found = rows_to_read(folder, {}, file=Path(rows), separator=separator, encoding=encoding)
            return predict_rows(folder, found, settings)
        given = _rows(rows, folder)
        return predict_rows(folder, given, settings) if given else []


def _rows(rows: Any, folder: Path) -> list[dict[str, Any]]:
    """The rows, those that are bare texts in the columns that the run's task has for them."""
    if hasattr(rows, "columns") or isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        return rows_of(rows, "predict")
    given = list(rows)
    if not given or not all(isinstance(row, str | tuple) for row in given):
        return rows_of(given, "predict")
    texts = [(row,) if isinstance(row, str) else row for row in given]
    if len({len(text) for text in texts}) > 1:
        raise UserError("predict: some rows have one text and others two. Give all rows alike.")
    return [dict(rows_to_read(folder, {"text": text}, file=None)[0]) for text in texts]

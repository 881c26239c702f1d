"""What a suite's models wrote: each metric with its interval, and samples side by side, for docs/results.md.

    harness run scan && harness run translation
    python -m experiments.written_texts runs/scan runs/translation

It writes docs/results/<suite>.csv, one row per task, model and metric, and docs/results/<suite>_samples.csv. If there
are several seeds, only the first is used; intervals cover test examples only.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import Table, parquet

from harness.comparison.one_run import score_estimates
from harness.record import PREDICTIONS, RunRecord
from harness.records import read_records

RESULTS = Path(__file__).parent.parent / "docs" / "results"
SAMPLES = 10


def main(folders: Sequence[str]) -> None:
    """Write the files of each suite's records."""
    for suite in map(Path, folders):
        records, problems = read_records(suite)
        assert not problems, problems
        first = of_first_seeds([one for one in records if one[1].status == "complete"])
        _write(RESULTS / f"{suite.name}.csv", [row for folder, record in first for row in scores(folder, record)])
        _write(RESULTS / f"{suite.name}_samples.csv", list(samples(first)))


def of_first_seeds(records: Sequence[tuple[Path, RunRecord]]) -> list[tuple[Path, RunRecord]]:
    """The run with the smallest seed of each task and model."""
    found: dict[tuple[str, str], tuple[Path, RunRecord]] = {}
    for folder, record in sorted(records, key=lambda one: -one[1].seed):
        found[record.task, record.model] = (folder, record)
    return [one for one in records if one in found.values()]


def scores(folder: Path, record: RunRecord) -> Iterator[dict[str, Any]]:
    """A row per metric that says something of the run."""
    for metric, found in score_estimates(folder, record).items():
        yield {
            "task": record.task,
            "model": record.model,
            "family": record.family,
            "metric": metric,
            "mean": found.value,
            "low": found.low,
            "high": found.high,
            "train_processor_seconds": record.cost.processor_seconds.get("train", 0.0),
        }


def samples(found: Sequence[tuple[Path, RunRecord]]) -> Iterator[dict[str, str]]:
    """Test examples of each task at even distances, with what every model wrote."""
    by_task: defaultdict[str, dict[str, Table]] = defaultdict(dict)
    for folder, record in found:
        by_task[record.task][record.model] = parquet.read_table(folder / PREDICTIONS)
    for task, tables in by_task.items():
        some = next(iter(tables.values()))
        for place in np.linspace(0, some.num_rows - 1, min(SAMPLES, some.num_rows)).astype(int).tolist():
            written = {model: table["prediction"][place].as_py()["text"] or "" for model, table in tables.items()}
            source, right = (some[column][place].as_py() for column in ("source", "reference"))
            yield {"task": task, "source": source, "right": right, **written}


def _write(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])

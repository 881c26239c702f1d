"""What a suite's models wrote: each metric with its interval, and samples side by side, for docs/results.md.

    harness run scan && harness run translation
    python -m experiments.written_texts runs/scan runs/translation

It writes docs/results/<suite>.csv, a row per task, model and metric, and docs/results/<suite>_samples.csv. Of several
seeds the first is taken; an interval is over test examples, those of a group together.
"""

from __future__ import annotations

import csv
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import Table, parquet

from harness.metrics.influence import of_mean
from harness.metrics.lookup import find_metric
from harness.record import PREDICTIONS, RunRecord
from harness.records import read_records

RESULTS = Path(__file__).parent.parent / "docs" / "results"
SAMPLES = 10
Z = 1.959964


def main(folders: Sequence[str]) -> None:
    """Write the files of each suite's records."""
    for folder in map(Path, folders):
        records, problems = read_records(folder)
        assert not problems, problems
        found = [(one.record, parquet.read_table(one.folder / PREDICTIONS)) for one in records]
        first = [(record, table) for record, table in found if record.seed == min(r.seed for r, _ in found)]
        _write(RESULTS / f"{folder.name}.csv", [row for record, table in first for row in scores(record, table)])
        _write(RESULTS / f"{folder.name}_samples.csv", list(samples(first)))


def scores(record: RunRecord, table: Table) -> Iterator[dict[str, Any]]:
    """A row per metric of a run's test predictions."""
    for name in record.scores["test"]:
        value, error = scored(name, table)
        if not math.isnan(value):
            yield {
                "task": record.task,
                "model": record.model,
                "family": record.family,
                "metric": name,
                "examples": table.num_rows,
                "mean": value,
                "low": value - Z * error,
                "high": value + Z * error,
                "train_processor_seconds": record.cost.processor_seconds.get("train", 0.0),
            }


def scored(name: str, table: Table) -> tuple[float, float]:
    """The score and its standard error over test examples, those of a group together."""
    metric = find_metric(name)
    references, predictions = (table[column].combine_chunks() for column in ("reference", "prediction"))
    if metric.influence is not None:
        value, influences = metric.influence(references, predictions, ())
    else:
        assert metric.per_example is not None, name
        value, influences = of_mean(np.array(metric.per_example(references.to_pylist(), predictions.to_pylist(), ())))
    sums: defaultdict[str, float] = defaultdict(float)
    for place, (group, influence) in enumerate(zip(table["group"].to_pylist(), influences, strict=True)):
        sums[group or f"alone {place}"] += float(influence)
    return value, math.sqrt(math.fsum(one**2 for one in sums.values())) / len(influences)


def samples(found: Sequence[tuple[RunRecord, Table]]) -> Iterator[dict[str, str]]:
    """Test examples of each task at even distances, with what every model wrote."""
    by_task: defaultdict[str, dict[str, Table]] = defaultdict(dict)
    for record, table in found:
        by_task[record.task][record.model] = table
    for task, tables in by_task.items():
        some = next(iter(tables.values()))
        for place in np.linspace(0, some.num_rows - 1, min(SAMPLES, some.num_rows)).astype(int).tolist():
            written = {model: table["prediction"][place].as_py()["text"] or "" for model, table in tables.items()}
            yield {
                "task": task,
                "source": some["source"][place].as_py(),
                "right": some["reference"][place].as_py(),
            } | written


def _write(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Columns of predictions.parquet as numbers: an indicator per label, or the number itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.metrics.influence import OfMatrices
from harness.metrics.metric import Floats, Influence, Scored


def of_labels(scored: OfMatrices, *, occurring: bool = False) -> Influence:
    """Return an influence function of label indicators [examples, labels].

    Args:
        scored: Computes score and influences from two matrices.
        occurring: Whether to leave out labels that do not occur if examples have one label (as in scikit-learn's macro
            average).
    """

    def influence(references: Any, predictions: Any, labels: Sequence[str]) -> Scored:
        from pyarrow import types  # noqa: PLC0415 -- not needed to look up a metric

        several = types.is_nested(references.type)
        columns = [column.flatten() if several else column for column in (references, predictions)]
        present = {name for column in columns for name in column.unique().to_pylist()}
        names = [*labels, *sorted(present.difference(labels, {None}))]
        if occurring and not several:
            names = [name for name in names if name in present]
        return scored(indicators(references, names), indicators(predictions, names))

    return influence


def of_numbers(scored: OfMatrices) -> Influence:
    """Return an influence function of columns of numbers [examples, 1]."""
    return lambda references, predictions, _labels: scored(numbers(references), numbers(predictions))


def counts_of_labels(column: Any, labels: Sequence[str]) -> dict[str, int]:
    """Count the examples with each label.

    With one label per example, only labels that occur are included, since a macro average leaves out the others. With
    several, each of `labels` is included.
    """
    from pyarrow import types  # noqa: PLC0415 -- as above

    several = types.is_nested(column.type)
    counted = (column.flatten() if several else column).cast("string").value_counts().to_pylist()
    found = {str(one["values"]): int(one["counts"]) for one in counted}
    return dict.fromkeys(labels, 0) | found if several else found


def numbers(column: Any) -> Floats:
    """Return the numbers [examples, 1]; NaN if missing."""
    return np.asarray(column.cast("float64").fill_null(float("nan")), dtype=np.float64)[:, None]


def fields(column: Any, names: Sequence[str]) -> Floats:
    """Return the named numbers of each example's struct [examples, names]; NaN if missing."""
    there = {column.type.field(index).name for index in range(column.type.num_fields)}
    missing = np.full((len(column), 1), np.nan)
    return np.hstack([numbers(column.field(name)) if name in there else missing for name in names])


def indicators(column: Any, names: Sequence[str]) -> Floats:
    """Return 1 for each label of an example, else 0 [examples, labels]. The column has names, or lists of names."""
    import pyarrow  # noqa: PLC0415 -- as above
    from pyarrow import compute  # noqa: PLC0415

    found = np.zeros((len(column), len(names)))
    rows = np.arange(len(column))
    if pyarrow.types.is_nested(column.type):
        rows, column = np.asarray(compute.list_parent_indices(column)), column.flatten().cast("string")
    codes = np.asarray(compute.index_in(column, value_set=pyarrow.array(names, "string")).fill_null(-1))
    found[rows[codes >= 0], codes[codes >= 0]] = 1.0
    return found

"""Columns of predictions.parquet as numbers: an indicator per label, or the number itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness.metrics.metric import Floats, Influence, Scored

OfMatrices = Callable[[Floats, Floats], Scored]


def of_labels(scored: OfMatrices, *, occurring: bool = False) -> Influence:
    """An influence function of label indicators [examples, labels].

    Args:
        scored: The same of two matrices.
        occurring: Leave out names that are nowhere, where an example has one (as scikit-learn's macro average does).
    """

    def influence(references: Any, predictions: Any, labels: Sequence[str]) -> Scored:
        from pyarrow import types  # noqa: PLC0415 -- naming a metric needs no arrow

        several = types.is_nested(references.type)
        columns = [column.flatten() if several else column for column in (references, predictions)]
        present = {name for column in columns for name in column.unique().to_pylist()}
        names = [*labels, *sorted(present.difference(labels, {None}))]
        if occurring and not several:
            names = [name for name in names if name in present]
        return scored(indicators(references, names), indicators(predictions, names))

    return influence


def of_numbers(scored: OfMatrices) -> Influence:
    """An influence function of columns of numbers [examples, 1]."""
    return lambda references, predictions, _labels: scored(numbers(references), numbers(predictions))


def counts_of_labels(column: Any, labels: Sequence[str]) -> dict[str, int]:
    """How many examples have each label.

    Of one label per example, those that occur, for the others are left out of a macro average; of several, each of
    `labels`, too.
    """
    from pyarrow import types  # noqa: PLC0415 -- as above

    several = types.is_nested(column.type)
    counted = (column.flatten() if several else column).cast("string").value_counts().to_pylist()
    found = {str(one["values"]): int(one["counts"]) for one in counted}
    return dict.fromkeys(labels, 0) | found if several else found


def numbers(column: Any) -> Floats:
    """The numbers [examples, 1]; what is missing is no number."""
    return np.asarray(column.cast("float64").fill_null(float("nan")), dtype=np.float64)[:, None]


def fields(column: Any, names: Sequence[str]) -> Floats:
    """The named numbers of each example's table [examples, names]; what is missing is no number."""
    there = {column.type.field(index).name for index in range(column.type.num_fields)}
    missing = np.full((len(column), 1), np.nan)
    return np.hstack([numbers(column.field(name)) if name in there else missing for name in names])


def indicators(column: Any, names: Sequence[str]) -> Floats:
    """1 where the example has the label [examples, labels]; the column holds names, or lists of names."""
    import pyarrow  # noqa: PLC0415 -- as above
    from pyarrow import compute  # noqa: PLC0415

    found = np.zeros((len(column), len(names)))
    rows = np.arange(len(column))
    if pyarrow.types.is_nested(column.type):
        rows, column = np.asarray(compute.list_parent_indices(column)), column.flatten().cast("string")
    codes = np.asarray(compute.index_in(column, value_set=pyarrow.array(names, "string")).fill_null(-1))
    found[rows[codes >= 0], codes[codes >= 0]] = 1.0
    return found

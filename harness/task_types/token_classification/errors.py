"""Counts of entity types, or of tags that do not encode entities, for error analysis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.metrics.metric import Floats
from harness.task_types.analysed import LabelCounts
from harness.task_types.token_classification.metrics import counted_by_type
from harness.task_types.token_classification.schemes import has_scheme


def label_counts(table: Any, labels: Sequence[str]) -> LabelCounts:
    """Count the entities of each type in each sentence, or the words with each tag if tags do not encode entities."""
    references, predictions = (table[name].to_pylist() for name in ("reference", "prediction"))
    if has_scheme(labels):
        types, counts = counted_by_type(references, predictions)
        return LabelCounts(types, counts.found, counts.predicted, counts.there)
    pairs = zip(references, predictions, strict=True)
    found = [[tag for tag, said in zip(*pair, strict=True) if tag == said] for pair in pairs]
    return LabelCounts(tuple(labels), *(_counts(tags, labels) for tags in (found, predictions, references)))


def confusions(table: Any, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
    """Return the confusion matrix [tags, tags] over words."""
    pairs = Counter(
        pair
        for tags in zip(table["reference"].to_pylist(), table["prediction"].to_pylist(), strict=True)
        for pair in zip(*tags, strict=True)
    )
    names = (*labels, *sorted({tag for pair in pairs for tag in pair}.difference(labels)))
    return names, np.array([[float(pairs[one, other]) for other in names] for one in names])


def _counts(sentences: Sequence[Sequence[str]], labels: Sequence[str]) -> Floats:
    counts = [Counter(tags) for tags in sentences]
    return np.array([[float(one[label]) for label in labels] for one in counts])

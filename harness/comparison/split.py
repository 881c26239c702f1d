"""Properties of a test split that do not depend on the model: groups of examples and rare labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.counted import counted
from harness.metrics.metric import Metric
from harness.task_types.contract import TaskType

FEW_CLUSTERS = 10
FEW_OF_A_LABEL = 5
MOST_NAMED = 3

Score = Callable[[Any], float]


@dataclass(frozen=True, slots=True)
class Split:
    """A test split.

    Attributes:
        examples: Number of examples.
        clusters: Number of groups; an example without a group is its own. 0: the examples' contributions are unknown.
        effective_clusters: The number of equally sized groups that would be as informative.
        ungrouped: Number of examples without a group, if others have one.
        label_counts: Number of examples of each label, if the metric weights labels equally.
        constant_score: The score of the best constant answer; None if there is no such answer, or none could be better.
    """

    examples: int
    clusters: int = 0
    effective_clusters: float = 0.0
    ungrouped: int = 0
    label_counts: Mapping[str, int] = field(default_factory=dict)
    constant_score: float | None = None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Reasons to doubt every difference on the split, a few words each."""
        found = []
        if 0 < self.effective_clusters < FEW_CLUSTERS - 1e-9:
            found.append(self._few())
        if self.ungrouped:
            found.append(
                f"{self.ungrouped:,} of {self.examples:,} test examples are in no group and count as independent"
            )
        rare = sorted(name for name, count in self.label_counts.items() if 0 < count < FEW_OF_A_LABEL)
        if rare:
            found.append(f"fewer than {FEW_OF_A_LABEL} test examples of {named_labels(rare)}")
        return tuple(found)

    def _few(self) -> str:
        if self.clusters == self.examples:
            return f"only {counted(self.examples, 'test example')}"
        worth = round(self.effective_clusters)
        uneven = f" of unequal size, worth {worth}" if worth < self.clusters else ""
        return f"only {counted(self.clusters, 'group')} of test examples{uneven}"


def described(
    table: Any,
    clusters: NDArray[np.int64],
    metric: Metric,
    labels: Sequence[str],
    task_type: TaskType | None,
    score: Score,
) -> Split:
    """Describe the test split of a table of predictions.

    Args:
        table: A table with the columns group, reference and prediction; of the latter only the type is used.
        clusters: The cluster of each example [examples], from 0.
        metric: The metric of the task.
        labels: The label names.
        task_type: The task type; None if unknown to this version.
        score: Computes the metric of such a table.
    """
    shares = np.bincount(clusters) / len(clusters)
    empty = sum(group in (None, "") for group in table["group"].to_pylist())
    counted = metric.label_counts
    return Split(
        examples=len(clusters),
        clusters=len(shares),
        effective_clusters=float(1 / (shares**2).sum()),
        ungrouped=empty if empty < len(clusters) else 0,
        label_counts=counted(table["reference"].combine_chunks(), labels) if counted else {},
        constant_score=None if task_type is None else _constant_score(table, metric, task_type, score),
    )


def _constant_score(table: Any, metric: Metric, task_type: TaskType, score: Score) -> float | None:
    import pyarrow  # noqa: PLC0415 -- a light command imports this module by way of `compare`

    references = table["reference"].to_pylist()
    answers = task_type.constant_answers(references)
    if answers is None or all(one == references[0] for one in references):
        return None
    kind = table.schema.field("prediction").type
    place = table.schema.get_field_index("prediction")
    found = score(table.set_column(place, "prediction", pyarrow.array(answers, kind)))
    best = metric.unit.most if metric.higher_is_better else metric.unit.least
    return found if np.isfinite(found) and abs(found - best) > 1e-9 else None


def named_labels(names: Sequence[str]) -> str:
    """Format labels, such as "labels a, b, c and 2 more"."""
    shown = ", ".join(names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"label{'' if len(names) == 1 else 's'} {shown}{more}"

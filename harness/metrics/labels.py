"""Metrics of label names, with one or several labels per example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.metrics import influence
from harness.metrics.columns import counts_of_labels, of_labels
from harness.metrics.metric import CORRELATION, TEXTS, Metric, Values, mean_of


def accuracies(references: Values, predictions: Values, labels: Sequence[str] = ()) -> list[float]:
    """Return 1.0 for each right label (with several labels: if all are right), else 0.0."""
    return [float(_comparable(one) == _comparable(other)) for one, other in zip(references, predictions, strict=True)]


def macro_f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """Compute the mean of the labels' F1; a label that never occurs has 0.

    With one label per row, the mean is over the labels that occur; with several, over all of `labels`.
    """
    decisions = _decisions(references, predictions)
    return _mean_f1(decisions, labels if _are_several(references) else decisions.labels())


def micro_f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """Compute F1 over all decisions; with one label per row it equals the accuracy."""
    decisions = _decisions(references, predictions)
    return decisions.f1(labels if _are_several(references) else decisions.labels())


def macro_f1_with_none(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """Compute `macro_f1` with "no label" as a further label. Source: the scoring of Chalkidis et al. 2022, LexGLUE."""
    return macro_f1(_with_none(references), _with_none(predictions), [*labels, ""])


def micro_f1_with_none(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """Compute `micro_f1` with "no label" as a further label. Source: the scoring of Chalkidis et al. 2022, LexGLUE."""
    return micro_f1(_with_none(references), _with_none(predictions), [*labels, ""])


def f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """Compute F1 of the second of two labels; 0.0 if it is never predicted.

    Raises:
        UserError: If there are not two labels.
    """
    _check_two(labels)
    return _decisions(references, predictions).f1(labels[1:])


def _check_two(labels: Sequence[str]) -> None:
    if len(labels) != 2:
        raise UserError(
            f"f1: needs two labels, the second one positive (got {list(labels)}). Use macro_f1 or micro_f1."
        )


def matthews(references: Values, predictions: Values, labels: Sequence[str] = ()) -> float:
    """Compute Matthews' correlation coefficient; 0.0 if references or predictions are constant."""
    from sklearn.metrics import matthews_corrcoef  # noqa: PLC0415 -- scikit-learn takes a second or two to import

    return float(matthews_corrcoef(references, predictions))


@dataclass(frozen=True)
class _Decisions:
    """Numbers of right decisions and of occurrences of each label, from which F1 follows.

    scikit-learn's `f1_score` gives the same numbers to the bit, but takes longer to import than a small model to score
    its texts.

    Attributes:
        right: Occurrences in both reference and prediction of a row.
        there: Occurrences in references plus occurrences in predictions.
    """

    right: Counter[str]
    there: Counter[str]

    def labels(self) -> list[str]:
        """Return the labels that occur, in order."""
        return sorted(self.there)

    def f1(self, labels: Sequence[str]) -> float:
        """Compute F1 over all decisions on the labels; 0.0 if there are none."""
        there = sum(self.there[label] for label in labels)
        return 2 * sum(self.right[label] for label in labels) / there if there else 0.0


def _decisions(references: Values, predictions: Values) -> _Decisions:
    pairs = list(zip(references, predictions, strict=True))
    if _are_several(references):
        right = Counter(chain.from_iterable({*one} & {*other} for one, other in pairs))
        return _Decisions(right, Counter(chain.from_iterable({*row} for pair in pairs for row in pair)))
    return _Decisions(Counter(one for one, other in pairs if one == other), Counter(chain(references, predictions)))


def _mean_f1(decisions: _Decisions, labels: Sequence[str]) -> float:
    return float(np.mean([decisions.f1([label]) for label in labels]))


def _are_several(rows: Values) -> bool:
    """Return whether rows have any number of labels rather than one."""
    return not isinstance(rows[0], str)


def _of_second(column: Any, labels: Sequence[str]) -> dict[str, int]:
    counts = counts_of_labels(column, labels)
    return {label: counts.get(label, 0) for label in labels[1:2]}


def _with_none(rows: Values) -> list[list[str]]:
    return [list(row) or [""] for row in rows]


def _comparable(value: Any) -> Any:
    return value if isinstance(value, str) else frozenset(value)


ACCURACY = Metric("accuracy", mean_of(accuracies), per_example=accuracies, influence=of_labels(influence.accuracy))
MACRO_F1 = Metric(
    "macro_f1",
    macro_f1,
    influence=of_labels(influence.macro_f1, occurring=True),
    title="macro-F1",
    label_counts=counts_of_labels,
)
MICRO_F1 = Metric("micro_f1", micro_f1, influence=of_labels(influence.micro_f1), title="micro-F1")
F1 = Metric("f1", f1, influence=of_labels(influence.f1), title="F1", label_counts=_of_second, check=_check_two)
MATTHEWS = Metric(
    "matthews", matthews, influence=of_labels(influence.correlation), unit=CORRELATION, title="Matthews correlation"
)
MACRO_F1_WITH_NONE = Metric(
    "macro_f1_with_none",
    macro_f1_with_none,
    influence=of_labels(influence.with_none(influence.macro_f1)),
    form=(TEXTS, TEXTS),
    label_counts=counts_of_labels,
)
MICRO_F1_WITH_NONE = Metric(
    "micro_f1_with_none",
    micro_f1_with_none,
    influence=of_labels(influence.with_none(influence.micro_f1)),
    form=(TEXTS, TEXTS),
)

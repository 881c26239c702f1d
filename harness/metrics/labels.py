"""Scores of label names: one per example, or several."""

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
    """1.0 for each right label (of several labels: all of them right), else 0.0."""
    return [float(_comparable(one) == _comparable(other)) for one, other in zip(references, predictions, strict=True)]


def macro_f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """The mean of the labels' F1; a label never predicted and never right has 0.

    One label per row: over the labels that occur. Several: over all of `labels`.
    """
    decisions = _decisions(references, predictions)
    return _mean_f1(decisions, labels if _are_several(references) else decisions.labels())


def micro_f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """The F1 of all decisions together; with one label per row it is the accuracy."""
    decisions = _decisions(references, predictions)
    return decisions.f1(labels if _are_several(references) else decisions.labels())


def macro_f1_with_none(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """`macro_f1` with "no label at all" as one label more. Source: the scoring of Chalkidis et al. 2022, LexGLUE."""
    return macro_f1(_with_none(references), _with_none(predictions), [*labels, ""])


def micro_f1_with_none(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """`micro_f1` with "no label at all" as one label more. Source: the scoring of Chalkidis et al. 2022, LexGLUE."""
    return micro_f1(_with_none(references), _with_none(predictions), [*labels, ""])


def f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """The F1 of the second of two labels; 0.0 where it is never predicted.

    Raises:
        UserError: There aren't two labels.
    """
    if len(labels) != 2:
        raise UserError(
            f"f1: needs two labels, the second one positive (got {list(labels)}). Use macro_f1 or micro_f1."
        )
    return _decisions(references, predictions).f1(labels[1:])


def matthews(references: Values, predictions: Values, labels: Sequence[str] = ()) -> float:
    """Matthews' correlation coefficient; 0.0 where references or predictions are all the same."""
    from sklearn.metrics import matthews_corrcoef  # noqa: PLC0415 -- scikit-learn takes a second or two to import

    return float(matthews_corrcoef(references, predictions))


@dataclass(frozen=True)
class _Decisions:
    """How often each label was right and how often it was there: what scikit-learn's `f1_score` is made of.

    That takes longer to import than a small model to score its texts; the numbers are the same to the bit.

    Attributes:
        right: Among references and predictions of the same row.
        there: Among references, and among predictions: counted in both.
    """

    right: Counter[str]
    there: Counter[str]

    def labels(self) -> list[str]:
        """Those that occur, in order."""
        return sorted(self.there)

    def f1(self, labels: Sequence[str]) -> float:
        """Of all decisions on the labels together; 0.0 where there is none."""
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
    """Whether a row has any number of labels, not one."""
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
F1 = Metric("f1", f1, influence=of_labels(influence.f1), title="F1", label_counts=_of_second)
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

"""Scores of label names: one per example, or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    return _f1("macro", references, predictions, labels)


def micro_f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """The F1 of all decisions together; with one label per row it is the accuracy."""
    return _f1("micro", references, predictions, labels)


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
    from sklearn.metrics import f1_score  # noqa: PLC0415 -- scikit-learn takes a second to import

    return float(f1_score(references, predictions, pos_label=labels[1], average="binary", zero_division=0))


def matthews(references: Values, predictions: Values, labels: Sequence[str] = ()) -> float:
    """Matthews' correlation coefficient; 0.0 where references or predictions are all the same."""
    from sklearn.metrics import matthews_corrcoef  # noqa: PLC0415 -- as above

    return float(matthews_corrcoef(references, predictions))


def _f1(average: str, references: Values, predictions: Values, labels: Sequence[str]) -> float:
    from sklearn.metrics import f1_score  # noqa: PLC0415 -- as above

    if not isinstance(references[0], str):
        from sklearn.preprocessing import MultiLabelBinarizer  # noqa: PLC0415 -- as above

        binarizer = MultiLabelBinarizer(classes=list(labels))
        references, predictions = binarizer.fit_transform(references), binarizer.fit_transform(predictions)
        # Of one label's column scikit-learn would score "no" as a second label.
        average = average if len(labels) > 1 else "binary"
    return float(f1_score(references, predictions, average=average, zero_division=0))


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

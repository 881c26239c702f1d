"""Scores of predictions against references, in the form that predictions.parquet has them in.

Label names (text) for classification, lists of label names for multi_label, numbers for regression, lists of answer
texts against one text for question answering, sizes against costs for language modelling (`tasks.perplexities`). Every
score is in its natural unit: 0..1, or -1..1 for correlations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import Any

from harness.errors import UserError, nearest
from tasks import answers
from tasks.perplexities import RATIOS

Values = Sequence[Any]
Score = Callable[[Values, Values, Sequence[str]], float]
PerExample = Callable[[Values, Values, Sequence[str]], list[float]]
EVALUATE = "evaluate:"
LOWER = ":lower"
KINDS = ("classification", "multi_label", "regression", "question_answering", "language_modelling")


@dataclass(frozen=True)
class Metric:
    """A score function and how to read it.

    Attributes:
        function: The score, from references, predictions and label names.
        higher_is_better: Whether more is better.
        per_example: One value an example whose mean is the score; None where the score is no such mean.
        kinds: The kinds of task that it can judge.
    """

    name: str
    function: Score
    higher_is_better: bool = True
    per_example: PerExample | None = None
    kinds: tuple[str, ...] = KINDS


def metric(name: str) -> Metric:
    """The metric called `name`; one of the `evaluate` library's by "evaluate:" and its name or path.

    That library doesn't say which way its metrics point: more is better, unless ":lower" stands behind the name.

    Raises:
        UserError: There is no such metric; the message names the nearest one.
    """
    if name.startswith(EVALUATE):
        return Metric(
            name,
            lambda references, predictions, labels: _evaluated(name, references, predictions, labels)[name],
            higher_is_better=not name.endswith(LOWER),
        )
    if name not in METRICS:
        raise UserError(f"{name!r}: no such metric.{nearest(name, METRICS)}")
    return METRICS[name]


def scores(
    names: Sequence[str], references: Values, predictions: Values, labels: Sequence[str] = ()
) -> dict[str, float]:
    """Every named score. An `evaluate` metric with several values gives "evaluate:name" and "evaluate:name.value".

    The first one keeps the ":lower" that it was named with; the others, of which that says nothing, have none.

    Raises:
        UserError: A name is unknown, or an `evaluate` metric can't be had.
    """
    assert len(references) == len(predictions) > 0, (len(references), len(predictions))
    found: dict[str, float] = {}
    for name in names:
        if name.startswith(EVALUATE):
            found |= _evaluated(name, references, predictions, labels)
        else:
            found[name] = metric(name).function(references, predictions, labels)
    return found


def accuracies(references: Values, predictions: Values, labels: Sequence[str] = ()) -> list[float]:
    """1.0 for each right label (of several labels: all of them right), else 0.0."""
    return [float(_comparable(one) == _comparable(other)) for one, other in zip(references, predictions, strict=True)]


def exact_matches(references: Values, predictions: Values, labels: Sequence[str] = ()) -> list[float]:
    """Each answer's exact match (see `tasks.answers`)."""
    return [answers.exact_match(known, given) for known, given in zip(references, predictions, strict=True)]


def qa_f1s(references: Values, predictions: Values, labels: Sequence[str] = ()) -> list[float]:
    """Each answer's F1 of words (see `tasks.answers`)."""
    return [answers.qa_f1(known, given) for known, given in zip(references, predictions, strict=True)]


def squared_errors(references: Values, predictions: Values, labels: Sequence[str] = ()) -> list[float]:
    """Each prediction's squared distance from its reference."""
    return [(float(one) - float(other)) ** 2 for one, other in zip(references, predictions, strict=True)]


def macro_f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """The mean of the labels' F1; a label never predicted and never right has 0.

    One label a row: over the labels that occur. Several: over all of `labels`.
    """
    return _f1("macro", references, predictions, labels)


def micro_f1(references: Values, predictions: Values, labels: Sequence[str]) -> float:
    """The F1 of all decisions together; with one label a row it is the accuracy."""
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


def pearson(references: Values, predictions: Values, labels: Sequence[str] = ()) -> float:
    """Pearson's correlation; 0.0 where one side is constant or a prediction isn't finite."""
    from scipy.stats import pearsonr  # noqa: PLC0415 -- scipy takes a second to import

    return _correlation(pearsonr, references, predictions)


def spearman(references: Values, predictions: Values, labels: Sequence[str] = ()) -> float:
    """Spearman's rank correlation; 0.0 where one side is constant or a prediction isn't finite."""
    from scipy.stats import spearmanr  # noqa: PLC0415 -- as above

    return _correlation(spearmanr, references, predictions)


def _correlation(function: Callable[[Values, Values], Any], references: Values, predictions: Values) -> float:
    constant = len(set(references)) == 1 or len(set(predictions)) == 1
    if constant or not all(map(isfinite, predictions)):
        return 0.0
    found = float(function(references, predictions).statistic)
    return found if isfinite(found) else 0.0  # all but constant: the deviations vanish in rounding


def _f1(average: str, references: Values, predictions: Values, labels: Sequence[str]) -> float:
    from sklearn.metrics import f1_score  # noqa: PLC0415 -- as above

    if not isinstance(references[0], str):
        from sklearn.preprocessing import MultiLabelBinarizer  # noqa: PLC0415 -- as above

        binarizer = MultiLabelBinarizer(classes=list(labels))
        references, predictions = binarizer.fit_transform(references), binarizer.fit_transform(predictions)
    return float(f1_score(references, predictions, average=average, zero_division=0))


def _with_none(rows: Values) -> list[list[str]]:
    return [list(row) or [""] for row in rows]


def _comparable(value: Any) -> Any:
    return value if isinstance(value, str) else frozenset(value)


def _mean_of(per_example: PerExample) -> Score:
    return lambda references, predictions, labels: fmean(per_example(references, predictions, labels))


def _evaluated(name: str, references: Values, predictions: Values, labels: Sequence[str]) -> dict[str, float]:
    from tasks.evaluate_metrics import evaluate_scores  # noqa: PLC0415 -- importing evaluate takes seconds

    return evaluate_scores(name, references, predictions, labels=labels)


def _means(name: str, per_example: PerExample, *kinds: str, higher_is_better: bool = True) -> Metric:
    return Metric(name, _mean_of(per_example), higher_is_better, per_example, kinds)


def _whole(name: str, function: Score, *kinds: str) -> Metric:
    return Metric(name, function, kinds=kinds)


METRICS: Mapping[str, Metric] = {
    one.name: one
    for one in (
        _means("accuracy", accuracies, "classification", "multi_label"),
        _whole("macro_f1", macro_f1, "classification", "multi_label"),
        _whole("micro_f1", micro_f1, "classification", "multi_label"),
        _whole("macro_f1_with_none", macro_f1_with_none, "multi_label"),
        _whole("micro_f1_with_none", micro_f1_with_none, "multi_label"),
        _whole("f1", f1, "classification"),
        _whole("matthews", matthews, "classification"),
        _whole("pearson", pearson, "regression"),
        _whole("spearman", spearman, "regression"),
        _means("mean_squared_error", squared_errors, "regression", higher_is_better=False),
        _means("exact_match", exact_matches, "question_answering"),
        _means("qa_f1", qa_f1s, "question_answering"),
        *(Metric(name, ratio, False, kinds=("language_modelling",)) for name, ratio in RATIOS.items()),
    )
}

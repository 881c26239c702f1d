"""The metrics of this package as metrics of the `evaluate` library, for other programs, without a network.

both = evaluate.combine([EvaluateMetric("accuracy"), EvaluateMetric("macro_f1")])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import evaluate
from datasets import Features, Value
from datasets import Sequence as ListOf

from harness.metrics.lookup import find_metric
from harness.metrics.metric import TEXTS, Form, Values


def _feature(form: Form) -> Any:
    """Describe a metric's form for the `datasets` library."""
    if isinstance(form, list):
        return ListOf(_feature(form[0]))
    if isinstance(form, dict):
        return {name: _feature(inner) for name, inner in form.items()}
    return Value(form)


class EvaluateMetric(evaluate.Metric):
    """A metric of `harness.metrics.lookup` with `add_batch` and `compute`, without a network.

    Args:
        name: The name of the metric in `harness.metrics.lookup`.
        labels: The label names, if the metric needs them.
        several: Whether a row has several labels.
    """

    def __init__(self, name: str, *, labels: Sequence[str] = (), several: bool = False, **keywords: Any) -> None:
        self._metric = find_metric(name)
        self._labels = tuple(labels)
        self._form = (TEXTS, TEXTS) if several else self._metric.form
        super().__init__(**keywords)

    def _info(self) -> evaluate.MetricInfo:
        predictions, references = map(_feature, self._form)
        return evaluate.MetricInfo(
            description=self._metric.name,
            citation="",
            inputs_description="predictions and references in the form of predictions.parquet",
            features=Features({"predictions": predictions, "references": references}),
            module_name=self._metric.name,
        )

    def _compute(self, predictions: Values, references: Values) -> dict[str, float]:
        return {self._metric.name: self._metric.function(references, predictions, self._labels)}

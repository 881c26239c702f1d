"""A number per text, or per pair of texts."""

from __future__ import annotations

from harness.data.fields import number_field
from harness.data.task import Task
from harness.task_types.regression.metrics import MEAN_SQUARED_ERROR, PEARSON, SPEARMAN
from harness.task_types.texts import Target, TextType


class Regression(TextType):
    """The task type."""

    name = "regression"
    metrics = (PEARSON, SPEARMAN, MEAN_SQUARED_ERROR)
    default_metrics = ("pearson", "spearman", "mean_squared_error")
    unknown_target: Target = 0.0

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """The number."""
        del labels
        return number_field(field, task.column("label"))


task_type = Regression()

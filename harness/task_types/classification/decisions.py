"""Choose between two labels by a threshold on the probability of the second one, instead of the larger probability."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.metrics.metric import Floats
from harness.task_types.probabilities import softmax_rows
from harness.task_types.thresholds import Judged, ThresholdSettings, threshold_of

Answers = Sequence[Mapping[str, Any]]


def check_two(labels: Sequence[str]) -> None:
    """Check that a threshold is used with two labels only.

    Raises:
        UserError: If there are not two.
    """
    if len(labels) != 2:
        raise UserError(
            f"--threshold: is for two labels, but this run has {len(labels)}. Leave it out; each label's probability "
            "is in the predictions."
        )


def by_threshold(
    answers: Answers, validated: Callable[[], Answers], labels: Sequence[str], settings: ThresholdSettings
) -> list[dict[str, Any]]:
    """Return the answers, with the second label if its probability is above the threshold, else with the first."""

    def judged() -> Judged:
        rows = validated()
        return second(rows), np.array([row["reference"] == labels[1] for row in rows])

    threshold = threshold_of(settings, judged)
    pairs = zip(answers, second(answers) > threshold, strict=True)
    return [{**answer, "prediction": labels[int(is_second)]} for answer, is_second in pairs]


def second(answers: Answers) -> Floats:
    """Return the second label's probability [answers]."""
    if not answers:
        return np.zeros(0)
    return np.asarray(softmax_rows(np.array([answer["logits"] for answer in answers], dtype=np.float64))[:, 1])

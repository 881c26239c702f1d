"""Training objective for any number of labels per text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harness.config.training import Training
from harness.task_types.label_weights import indicators, yes_counts
from harness.task_types.multi_label import task_type
from harness.task_types.probabilities import sigmoid
from harness.task_types.texts import Target, TextExample
from harness.task_types.texts_objective import LabelObjective, Outputs
from harness.task_types.thresholds import DEFAULT, best_threshold
from harness.task_types.weighted_losses import LossOfLabels
from harness.tokenization.reading import Reader

THRESHOLD = "threshold"


@dataclass(frozen=True, kw_only=True)
class SetObjective(LabelObjective):
    """Objective of any number of labels per text.

    Attributes:
        thresholds: Thresholds to choose on validation: "one" for all labels, "per_label", or None for no choice.
    """

    thresholds: str | None

    def calibration(self, outputs: Outputs, examples: Sequence[TextExample]) -> dict[str, float]:
        """Return the probability thresholds of labels, by names such as `threshold.sport`."""
        if self.thresholds is None:
            return {}
        probabilities = sigmoid(outputs.astype(np.float64))
        wanted = indicators([example.label_indices for example in examples], len(self.labels))
        if self.thresholds == "one":
            return {THRESHOLD: best_threshold(probabilities.ravel(), wanted.ravel())}
        pairs = zip(self.labels, probabilities.T, wanted.T, strict=True)
        return {f"{THRESHOLD}.{label}": best_threshold(said, true) for label, said, true in pairs}

    def rows(
        self, outputs: Outputs, examples: Sequence[TextExample], calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """Return the reference and prediction of each example, by the thresholds."""
        rows = super().rows(outputs, examples, calibration)
        if self.thresholds is None:
            return rows
        one = calibration.get(THRESHOLD, DEFAULT)
        limits = np.array([calibration.get(f"{THRESHOLD}.{label}", one) for label in self.labels])
        chosen = sigmoid(outputs.astype(np.float64)) > limits
        return [
            {**row, "prediction": [self.labels[index] for index in np.flatnonzero(places)]}
            for row, places in zip(rows, chosen, strict=True)
        ]

    def notes(self, _examples: Sequence[TextExample], _reader: Reader) -> list[str]:
        """Note that plain transformers does not use the thresholds."""
        if self.thresholds is None:
            return []
        return ["thresholds chosen on validation: plain transformers predicts labels from a probability of 0.5 on"]


def objective(labels: tuple[str, ...], training: Training) -> SetObjective:
    """Return the objective: a yes or no for each of `labels`. A label is predicted if its logit is positive.

    Raises:
        UserError: If the recipe weights labels that do not exist.
    """

    def row(target: Target, logits: NDArray[np.float32]) -> dict[str, Any]:
        assert isinstance(target, tuple)
        return {
            "reference": [labels[index] for index in target],
            "prediction": [labels[index] for index in np.flatnonzero(logits > 0)],
            "logits": logits.tolist(),
        }

    return SetObjective(
        labels,
        training.pool,
        "multi_label_classification",
        binary_cross_entropy,
        row,
        learnt=LossOfLabels.of(training, labels),
        counts=lambda targets: yes_counts(targets, len(labels)),
        learnt_loss=learnt_loss,
        target_weight=target_weight,
        thresholds=task_type.own_settings(training).thresholds,
    )


def binary_cross_entropy(logits: Tensor, targets: Sequence[tuple[int, ...]]) -> Tensor:
    """Compute losses [texts], means over labels, from logits [texts, labels] and the indices of each text's labels."""
    return functional.binary_cross_entropy_with_logits(logits, _wanted(logits, targets), reduction="none").mean(1)


def learnt_loss(learnt: LossOfLabels, logits: Tensor, targets: Sequence[tuple[int, ...]]) -> Tensor:
    """Compute the losses with the weights of the recipe."""
    return learnt.binary_cross_entropy(logits, _wanted(logits, targets)).mean(1)


def target_weight(learnt: LossOfLabels, target: tuple[int, ...]) -> float:
    """Return the weight of a text with these labels: the mean over the yes or no of each label."""
    assert learnt.weights is not None
    chosen = learnt.weights[:, 0].copy()
    chosen[list(target)] = learnt.weights[list(target), 1]
    return float(chosen.mean())


def _wanted(logits: Tensor, targets: Sequence[tuple[int, ...]]) -> Tensor:
    """Return 1 for the labels of each text, 0 for others [texts, labels]."""
    wanted = torch.zeros_like(logits)
    for row, target in zip(wanted, targets, strict=True):
        row[list(target)] = 1.0
    return wanted

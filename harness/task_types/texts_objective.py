"""Training objective of texts with any targets: one item per text, with logits pooled over its windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.models.head import Head
from harness.task_types.explained import Asked, ExplainedScore, place_of
from harness.task_types.label_weights import Counts
from harness.task_types.objective import Objective, label_settings
from harness.task_types.texts import Target, TextExample
from harness.task_types.weighted_losses import LossOfLabels
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import Reader

Outputs = NDArray[Any]


@dataclass(frozen=True)
class TextObjective(Objective):
    """Objective of task types that read texts, or pairs of texts.

    Attributes:
        labels: The label names in the order of the model's outputs; empty for a number.
        pool: How the logits of a text's windows are pooled: "mean" or "max".
        problem_type: The problem type of transformers.
        loss: Computes losses [texts] from logits [texts, labels] and targets.
        row: Returns reference and prediction of a text from its target and its logits.
    """

    labels: tuple[str, ...]
    pool: str
    problem_type: str
    loss: Callable[[Tensor, Sequence[Any]], Tensor]
    row: Callable[[Target, NDArray[np.float32]], dict[str, Any]]
    stride = 0
    shared = 0
    strategy = None

    def head(self) -> Head:
        """Return a classification head with the label names, or one output for a number."""
        settings = {**label_settings(self.labels or ("value",)), "problem_type": self.problem_type}
        return Head("AutoModelForSequenceClassification", settings, ("logits",))

    def features(self, examples: Sequence[TextExample], reader: Reader) -> Features:
        """Encode one item per text, with all its windows."""
        documents = reader.documents([example.text for example in examples], [example.pair for example in examples])
        items = [
            Item(index, document.windows, example.target)
            for index, (example, document) in enumerate(zip(examples, documents, strict=True))
        ]
        lengths = [document.total for document in documents]
        return Features(items, lengths, sum(document.seen for document in documents))

    def scores(self, logits: tuple[Tensor, ...], batch: Batch) -> Tensor:
        """Pool the logits over each item's windows [items, labels]."""
        return pooled(logits[0].float(), batch.counts, self.pool)

    def plain_losses(self, scores: Tensor, batch: Batch, _collator: Collator) -> Tensor:
        """Compute the loss of each item [items]."""
        return self.loss(scores, [item.target for item in batch.items])

    def results(self, scores: Tensor, _batch: Batch, _collator: Collator) -> list[Outputs]:
        """Return a row of logits per item."""
        return list(scores.float().cpu().numpy())

    def explained(self, _example: TextExample, features: Features, asked: Asked) -> ExplainedScore:
        """Return a label's logit, or the number."""
        (item,) = features.items
        target = place_of(asked.label, self.labels, int(asked.scores(item).reshape(-1).argmax()))
        return ExplainedScore(
            item,
            self.labels[target] if self.labels else "",
            lambda scores: scores.reshape(-1)[target],
            lambda scores: self._shown(scores.reshape(-1).double(), target),
        )

    def _shown(self, scores: Tensor, target: int) -> float:
        """Return a label's probability, or the number."""
        if not self.labels:
            return float(scores[target])
        if self.problem_type == "multi_label_classification":
            return float(scores[target].sigmoid())
        return float(scores.softmax(0)[target])

    def outputs(self, results: Sequence[Outputs], _features: Features, _examples: Sequence[TextExample]) -> Outputs:
        """Return the logits [examples, labels]."""
        return np.stack(results)

    def rows(
        self, outputs: Outputs, examples: Sequence[TextExample], _calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """Return reference and prediction of each example."""
        return [self.row(example.target, logits) for example, logits in zip(examples, outputs, strict=True)]


@dataclass(frozen=True, kw_only=True)
class LabelObjective(TextObjective):
    """Objective of labels of texts, with the loss of the recipe.

    Attributes:
        learnt: The loss of the recipe.
        counts: Counts each label in the targets of the training texts.
        learnt_loss: Computes training losses [texts] from logits [texts, labels] and targets.
        target_weight: Returns the weight of a text with a target, if labels are weighted.
    """

    learnt: LossOfLabels
    counts: Callable[[Sequence[Any]], Counts]
    learnt_loss: Callable[[LossOfLabels, Tensor, Sequence[Any]], Tensor]
    target_weight: Callable[[LossOfLabels, Any], float]

    def for_training(self, _model: Any, examples: Sequence[TextExample], *, has_own_head: bool) -> Self:
        """Return a copy with the weights that follow from the examples' labels."""
        if self.learnt.is_plain:
            return self
        counts = self.counts([example.target for example in examples])
        return replace(self, learnt=self.learnt.weighing(counts))

    def losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """Compute the loss of each item [items], with the weights of the recipe."""
        if self.learnt.is_plain:
            return self.plain_losses(scores, batch, collator)
        return self.learnt_loss(self.learnt, scores, [item.target for item in batch.items])

    def weight(self, items: Sequence[Item]) -> float:
        """Return the sum of the items' weights."""
        if self.learnt.weights is None:
            return len(items)
        return sum(self.target_weight(self.learnt, item.target) for item in items)

    def learnt_notes(self) -> list[str]:
        """Report the weights."""
        return self.learnt.note()


def pooled(logits: Tensor, counts: Tensor, how: str) -> Tensor:
    """Pool the logits of each text's windows.

    Args:
        logits: The logits [windows, labels], with the windows of a text next to each other.
        counts: The number of windows of each text [texts].
        how: "mean" or "max".

    Returns:
        Logits [texts, labels].
    """
    if len(logits) == len(counts):
        return logits
    # "unsafe" skips a check of the counts, which would wait for a GPU.
    return torch.segment_reduce(logits, how, lengths=counts, axis=0, unsafe=True)

"""Training objective of multiple choice: a score for each choice, and a softmax over the choices of a question.

Source: Devlin et al. 2019, section 4.4. A question with all its choices is one item with one loss. Its choices are
windows of one pass, so that they are packed as other windows are, whatever their number.
"""

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
from harness.models.head import Head
from harness.ops.device import to_device
from harness.task_types.explained import Asked, ExplainedScore, place_of
from harness.task_types.multiple_choice.examples import ChoiceExample, letter
from harness.task_types.multiple_choice.windows import ReadChoice, read_choices
from harness.task_types.objective import Objective
from harness.task_types.texts_objective import pooled
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import Reader

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """The windows of a question's choices, and which choice is right.

    Attributes:
        windows: The number of windows of each choice.
        right: The place of the right choice.
    """

    windows: tuple[int, ...]
    right: int


@dataclass(frozen=True)
class ChoiceObjective(Objective):
    """Objective of multiple choice.

    Attributes:
        pool: How the scores of a choice's windows are pooled: "mean" or "max".
    """

    pool: str
    stride = 0
    shared = 0
    strategy = None

    def head(self) -> Head:
        """Return a head with one score per choice."""
        return Head(
            "AutoModelForMultipleChoice",
            {"num_labels": 1},
            ("logits",),
            instead="AutoModelForSequenceClassification",
        )

    def features(self, examples: Sequence[ChoiceExample], reader: Reader) -> Features:
        """Encode one item per question, with the windows of all choices."""
        every = read_choices(reader, examples)
        items = [
            _item(index, example, choices) for index, (example, choices) in enumerate(zip(examples, every, strict=True))
        ]
        lengths = [sum(choice.total for choice in choices) for choices in every]
        return Features(items, lengths, sum(choice.seen for choices in every for choice in choices))

    def scores(self, logits: tuple[Tensor, ...], batch: Batch) -> Tensor:
        """Compute scores [items, maximum number of choices]; -inf if a question has fewer."""
        windows = [count for item in batch.items for count in item.target.windows]
        device = logits[0].device
        scores = pooled(logits[0].float(), to_device(torch.tensor(windows), device), self.pool)[:, 0]
        counts = torch.tensor([len(item.target.windows) for item in batch.items])
        there = torch.arange(int(counts.max())) < counts[:, None]
        nothing = torch.full(there.shape, -torch.inf, dtype=scores.dtype, device=device)
        return nothing.masked_scatter(to_device(there, device), scores)

    def plain_losses(self, scores: Tensor, batch: Batch, _collator: Collator) -> Tensor:
        """Compute the cross-entropy of the right choice among the choices of its question [items]."""
        right = to_device(torch.tensor([item.target.right for item in batch.items]), scores.device)
        return functional.cross_entropy(scores, right, reduction="none")

    def results(self, scores: Tensor, batch: Batch, _collator: Collator) -> list[Logits]:
        """Return the scores of each question's choices."""
        rows = scores.float().cpu().numpy()
        return [row[: len(item.target.windows)] for row, item in zip(rows, batch.items, strict=True)]

    def explained(self, example: ChoiceExample, features: Features, asked: Asked) -> ExplainedScore:
        """Return the score of the chosen answer, or of a requested letter. It does not depend on the other choices."""
        (item,) = features.items
        letters = [letter(place) for place in range(len(example.choices))]
        place = place_of(asked.label, letters, int(asked.scores(item).reshape(-1).argmax()))
        counts = item.target.windows
        first = sum(counts[:place])
        alone = Item(item.example, item.windows[first : first + counts[place]], Target((counts[place],), 0))
        name = f"{letters[place]}, {example.choices[place]}"
        return ExplainedScore(alone, name, lambda scores: scores[0, 0], lambda scores: float(scores[0, 0]))

    def rows(
        self, outputs: Sequence[Logits], examples: Sequence[ChoiceExample], _calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """Return the letters of the right and the chosen choice, all choices, and their scores."""
        return [
            {
                "reference": letter(example.right),
                "prediction": letter(int(np.argmax(scores))),
                "choices": list(example.choices),
                "logits": np.asarray(scores).tolist(),
            }
            for scores, example in zip(outputs, examples, strict=True)
        ]


def _item(index: int, example: ChoiceExample, choices: Sequence[ReadChoice]) -> Item:
    windows = tuple(window for choice in choices for window in choice.windows)
    return Item(index, windows, Target(tuple(len(choice.windows) for choice in choices), example.right))


def objective(_labels: tuple[str, ...], training: Training) -> ChoiceObjective:
    """Return the objective: cross-entropy over the choices of each question."""
    return ChoiceObjective(training.pool)

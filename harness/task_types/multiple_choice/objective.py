"""How the right one of several choices is learnt: one score a choice, and one softmax over the choices of a question.

Source: Devlin et al. 2019, section 4.4. A question with all of its choices is one item, with one loss; its choices are
windows of one pass, so that they lie end to end where windows do, however many there are.
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
from harness.task_types.objective import LearntAsItIs
from harness.task_types.texts_objective import pooled
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import Reader

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """How a question's windows belong to its choices, and which one is right.

    Attributes:
        windows: How many each choice has.
        right: The right one's place.
    """

    windows: tuple[int, ...]
    right: int


@dataclass(frozen=True)
class ChoiceObjective(LearntAsItIs):
    """The objective.

    Attributes:
        pool: How the scores of a choice's windows become one: "mean" or "max".
    """

    pool: str
    stride = 0
    shared = 0
    strategy = None

    def head(self) -> Head:
        """A score of each choice."""
        return Head(
            "AutoModelForMultipleChoice",
            {"num_labels": 1},
            ("logits",),
            instead="AutoModelForSequenceClassification",
        )

    def features(self, examples: Sequence[ChoiceExample], reader: Reader) -> Features:
        """One item per question, with the windows of all choices."""
        every = read_choices(reader, examples)
        items = [
            _item(index, example, choices) for index, (example, choices) in enumerate(zip(examples, every, strict=True))
        ]
        lengths = [sum(choice.total for choice in choices) for choices in every]
        return Features(items, lengths, sum(choice.seen for choices in every for choice in choices))

    def scores(self, logits: tuple[Tensor, ...], batch: Batch) -> Tensor:
        """Scores [items, most choices], -inf where a question has fewer."""
        windows = [count for item in batch.items for count in item.target.windows]
        device = logits[0].device
        scores = pooled(logits[0].float(), to_device(torch.tensor(windows), device), self.pool)[:, 0]
        counts = torch.tensor([len(item.target.windows) for item in batch.items])
        there = torch.arange(int(counts.max())) < counts[:, None]
        nothing = torch.full(there.shape, -torch.inf, dtype=scores.dtype, device=device)
        return nothing.masked_scatter(to_device(there, device), scores)

    def plain_losses(self, scores: Tensor, batch: Batch, _collator: Collator) -> Tensor:
        """Cross-entropy of the right choice among its question's [items]."""
        right = to_device(torch.tensor([item.target.right for item in batch.items]), scores.device)
        return functional.cross_entropy(scores, right, reduction="none")

    def results(self, scores: Tensor, batch: Batch, _collator: Collator) -> list[Logits]:
        """The scores of each question's choices."""
        rows = scores.float().cpu().numpy()
        return [row[: len(item.target.windows)] for row, item in zip(rows, batch.items, strict=True)]

    def outputs(
        self, results: Sequence[Logits], _features: Features, _examples: Sequence[ChoiceExample]
    ) -> list[Logits]:
        """The scores of each question's choices."""
        return list(results)

    def notes(self, _examples: Sequence[ChoiceExample], _reader: Reader) -> list[str]:
        """None."""
        return []

    def explained(self, example: ChoiceExample, features: Features, asked: Asked) -> ExplainedScore:
        """The score of the chosen answer, or of the one with a letter, of which no other choice knows."""
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
        """The letters of the right choice and of the chosen one, all choices, and their scores."""
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
    """Cross-entropy over the choices of each question."""
    return ChoiceObjective(training.pool)

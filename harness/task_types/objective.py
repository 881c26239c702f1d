"""Objective: how a model learns one type of task: its head, items, losses and predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from torch import Tensor

from harness.errors import UserError
from harness.models.head import Head
from harness.task_types.explained import Asked, ExplainedScore
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import Reader


class Objective(Protocol):
    """From examples to items, from logits to losses, results and rows of predictions.

    `results` are one per item; `outputs`, in the task type's neutral form, one per example: an array of logits or
    numbers for texts, a list of spans for questions. Simple baselines give outputs directly.
    """

    @property
    def stride(self) -> int:
        """Tokens that neighbouring windows share by default."""

    @property
    def shared(self) -> int:
        """Tokens that neighbouring windows share at least, up to half of them, where the recipe does not say."""

    @property
    def strategy(self) -> str | None:
        """How long texts are read, where the recipe has no choice."""

    def following(self, examples: Sequence[Any], tokenizer: Any) -> Self:
        """The same, with what the recipe leaves open taken from the training examples."""

    def recalled(self, calibration: Mapping[str, float]) -> Self:
        """The same as it was when a run was recorded with this calibration."""

    def head(self) -> Head:
        """What goes on top of the encoder."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the model's outputs stand for while it learns, where that is not the labels."""

    def for_training(self, model: Any, examples: Sequence[Any], *, has_own_head: bool) -> Self:
        """The objective as the model learns it, with what it takes from the training examples.

        Args:
            model: Is changed where it must be, before its first step; the same way every time.
            examples: The training split.
            has_own_head: Whether the model's head is one that its checkpoint brought.
        """

    def finish(self, model: Any) -> None:
        """Make the trained model one that answers without the objective of `for_training`."""

    def chosen_by(self, metrics: Sequence[str]) -> str:
        """The metric on the validation split that chooses the checkpoint, of those of the run."""

    def features(self, examples: Sequence[Any], reader: Reader) -> Features:
        """The examples as items."""

    def training_subset(self, features: Features) -> Features:
        """Those of the training split that are trained on."""

    def scores(self, logits: tuple[Tensor, ...], batch: Batch) -> Tensor:
        """What losses and results are made from [items, ...]."""

    def losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """One loss per item [items], as it is learnt."""

    def plain_losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """One loss per item [items] as it is validated: by which recipes can be compared."""

    def weight(self, items: Sequence[Item]) -> float:
        """What the sum of the items' losses is divided by."""

    def learnt_notes(self) -> list[str]:
        """What a reader of the record should know of how it was learnt."""

    def results(self, scores: Tensor, batch: Batch, collator: Collator) -> Sequence[Any]:
        """One result per item, off the device."""

    def outputs(self, results: Sequence[Any], features: Features, examples: Sequence[Any]) -> Any:
        """One output per example."""

    def notes(self, examples: Sequence[Any], reader: Reader) -> list[str]:
        """What a reader of the record should know of how the test split is read."""

    def calibration(self, outputs: Any, examples: Sequence[Any]) -> dict[str, float]:
        """What was chosen: on the validation split after training, or by the training split where it is followed."""

    def rows(self, outputs: Any, examples: Sequence[Any], calibration: Mapping[str, float]) -> list[dict[str, Any]]:
        """Reference and prediction of each example, as in predictions.parquet."""

    def explained(self, example: Any, features: Features, asked: Asked) -> ExplainedScore:
        """The score of one example that `harness explain` tells of.

        Args:
            example: The example.
            features: Its items.
            asked: What is asked for.

        Raises:
            UserError: There is no such score.
        """


class LearntAsItIs(ABC):
    """What most objectives have: nothing of them or of the model changes for the data, for training, or after it."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """None but the labels."""
        return ()

    def following(self, _examples: Sequence[Any], _tokenizer: Any) -> Self:
        """The same: nothing is left open."""
        return self

    def recalled(self, _calibration: Mapping[str, float]) -> Self:
        """The same."""
        return self

    def training_subset(self, features: Features) -> Features:
        """All of them."""
        return features

    def calibration(self, _outputs: Any, _examples: Sequence[Any]) -> dict[str, float]:
        """Nothing to calibrate."""
        return {}

    def for_training(self, _model: Any, _examples: Sequence[Any], *, has_own_head: bool) -> Self:
        """The same."""
        del has_own_head
        return self

    def finish(self, _model: Any) -> None:
        """Leave the model as it is."""
        del _model

    def losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """Those that are validated."""
        return self.plain_losses(scores, batch, collator)

    def chosen_by(self, metrics: Sequence[str]) -> str:
        """The main one."""
        return metrics[0]

    @abstractmethod
    def plain_losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """One loss per item [items]."""

    def weight(self, items: Sequence[Item]) -> float:
        """How many they are: each counts as much as any other."""
        return len(items)

    def learnt_notes(self) -> list[str]:
        """None."""
        return []

    def explained(self, _example: Any, _features: Features, _asked: Asked) -> ExplainedScore:
        """Nothing.

        Raises:
            UserError: Always.
        """
        raise UserError("harness explain: models of this task type say nothing of a text that could be explained.")

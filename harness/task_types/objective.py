"""Objective: the head, items, losses and predictions of a task type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from torch import Tensor

from harness.models.head import Head
from harness.task_types.explained import Asked, ExplainedScore
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import Reader


class Objective(ABC):
    """Converts examples to items, and logits to losses, results and rows of predictions.

    There is one result per item and one output per example. Outputs do not depend on the model: an array of logits or
    numbers for texts, a list of spans for questions. Simple baselines return outputs directly. The methods that are not
    abstract have defaults for objectives that neither adapt to the data nor modify the model.
    """

    @property
    @abstractmethod
    def stride(self) -> int:
        """Default number of tokens that neighbouring windows share."""

    @property
    @abstractmethod
    def shared(self) -> int:
        """Minimum number of tokens that neighbouring windows share, up to half, if no stride is set."""

    @property
    @abstractmethod
    def strategy(self) -> str | None:
        """The strategy for long texts, if the task type has only one."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the model's outputs during training, if they are not the labels."""
        return ()

    @abstractmethod
    def head(self) -> Head:
        """Return the head on top of the encoder."""

    def following(self, examples: Sequence[Any], tokenizer: Any) -> Self:
        """Return a copy with unset settings derived from the training examples."""
        return self

    def recalled(self, calibration: Mapping[str, float]) -> Self:
        """Return a copy with the settings of a recorded calibration."""
        return self

    def for_training(self, model: Any, examples: Sequence[Any], *, has_own_head: bool) -> Self:
        """Return the objective for training, with values derived from the training examples.

        Args:
            model: The model, which may be modified deterministically before its first step.
            examples: The training split.
            has_own_head: Whether the head comes from the checkpoint.
        """
        return self

    def finish(self, model: Any) -> None:  # noqa: B027 -- most objectives change nothing
        """Undo changes of `for_training`, so that the trained model can be used by itself."""

    def chosen_by(self, metrics: Sequence[str]) -> str:
        """Return the validation metric that chooses the checkpoint: by default the main one."""
        return metrics[0]

    @abstractmethod
    def features(self, examples: Sequence[Any], reader: Reader) -> Features:
        """Convert examples to items."""

    def training_subset(self, features: Features) -> Features:
        """Return the items of the training split to train on; by default all."""
        return features

    @abstractmethod
    def scores(self, logits: tuple[Tensor, ...], batch: Batch) -> Tensor:
        """Compute the scores that losses and results are computed from [items, ...]."""

    def losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """Compute the training loss of each item [items]; by default the validation loss."""
        return self.plain_losses(scores, batch, collator)

    @abstractmethod
    def plain_losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """Compute the validation loss of each item [items], which is comparable between recipes."""

    def weight(self, items: Sequence[Item]) -> float:
        """Return the number that the sum of the items' losses is divided by: by default, all count equally."""
        return len(items)

    def learnt_notes(self) -> list[str]:
        """Return remarks on training for the record."""
        return []

    @abstractmethod
    def results(self, scores: Tensor, batch: Batch, collator: Collator) -> Sequence[Any]:
        """Return a result per item, on the CPU."""

    def outputs(self, results: Sequence[Any], features: Features, examples: Sequence[Any]) -> Any:
        """Combine the results of each example to one output; by default each example is one item."""
        return list(results)

    def notes(self, examples: Sequence[Any], reader: Reader) -> list[str]:
        """Return remarks for the record on how the test split is read."""
        return []

    def calibration(self, outputs: Any, examples: Sequence[Any]) -> dict[str, float]:
        """Return values chosen on the validation split after training, or derived from the training split."""
        return {}

    @abstractmethod
    def rows(self, outputs: Any, examples: Sequence[Any], calibration: Mapping[str, float]) -> list[dict[str, Any]]:
        """Return the rows of predictions.parquet."""

    def written_item(self, features: Features, scores: Callable[[Item], Any]) -> tuple[Item, str] | None:
        """Return an example with what the model writes from it as its target, and that text.

        Args:
            features: The items of the example.
            scores: Computes the model's scores of an item, without a graph.

        Returns:
            None if the model writes nothing, or nothing that is separate from its source.
        """
        return None

    @abstractmethod
    def explained(self, example: Any, features: Features, asked: Asked) -> ExplainedScore:
        """Return the score of an example that `harness explain` attributes to tokens.

        Raises:
            UserError: If the request does not fit the model.
        """


def label_settings(names: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a model with an output for each of these labels."""
    return {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }

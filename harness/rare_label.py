"""RareLabel: the label with the fewest training examples, if it is too rare for the usual scores to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

RARE = 0.2
"""A label is rare if it has less than this fraction of its examples in a balanced data set."""
_Count = Annotated[int, Field(ge=0, lt=2**63)]


class RareLabel(BaseModel):
    """The rarest label of a training split.

    Attributes:
        label: The name of the label.
        examples: Number of examples with it.
        total: Number of examples.
        metrics: Metrics to which it matters as much as a frequent label, best known first.
        sort: The word for such a label.
        counted: The word for what is counted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    examples: _Count
    total: _Count
    metrics: tuple[str, ...] = Field(min_length=1)
    sort: str = "label"
    counted: str = "examples"

    def __str__(self) -> str:
        share = f"{self.examples / max(self.total, 1):.1%}"
        return f"the rarest {self.sort}, {self.label}, is {share} of the training {self.counted}"


def rare_label(
    labels: Sequence[str], counts: Sequence[int], *, metrics: tuple[str, ...], **words: str
) -> RareLabel | None:
    """The rarest of the labels that occur, if it is rare; None if the examples are balanced enough.

    Of two labels, one with less than one in ten examples is rare; of eight, one with less than one in forty.

    >>> str(rare_label(("fine", "fraud"), (97, 3), metrics=("macro_f1",)))
    'the rarest label, fraud, is 3.0% of the training examples'
    >>> rare_label(("fine", "fraud"), (90, 10), metrics=("macro_f1",)) is None
    True

    Args:
        labels: The names of the labels.
        counts: Number of training examples with each label.
        metrics: Metrics to which a rare label matters as much as a frequent one.
        words: `RareLabel.sort` and `RareLabel.counted`, if they are not labels of examples.
    """
    found = [(count, label) for label, count in zip(labels, counts, strict=True) if count]
    total = sum(count for count, _ in found)
    if not found or min(found)[0] * len(found) >= RARE * total:
        return None
    fewest, label = min(found, key=lambda one: one[0])
    return RareLabel(label=label, examples=fewest, total=total, metrics=metrics, **words)

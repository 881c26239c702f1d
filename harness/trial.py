"""What a record says of trials: that a run is one, or that trials chose its recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trial(_Part):
    """That a run tried a recipe: its number, and the digest of the search space that the recipe was drawn from."""

    number: Count
    space: str


class Tuning(_Part):
    """That a run's recipe is that of the best of several trials.

    Attributes:
        trials: How many there were.
        best: The number of the best one.
        space: Digest of their search space.
        budget: What the models of a task had equally much of: "trials", or so much cost ("flops", "tokens", "seconds").
        sampler: How recipes were drawn: "random", or by what was found before ("tpe", "halving").
    """

    trials: Count
    best: Count
    space: str
    budget: str = "trials"
    sampler: str = "random"

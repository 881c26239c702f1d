"""Trials in records: the trial that a run is, or the trials that chose its recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trial(_Part):
    """A run that tried a recipe: its number, and the digest of the search space of the recipe."""

    number: Count
    space: str


class Tuning(_Part):
    """A run whose recipe is that of the best of several trials.

    Attributes:
        trials: Number of trials.
        best: The number of the best one.
        space: Digest of their search space.
        budget: The resource that was equal for a task's models: "trials", or a cost ("flops", "tokens", "seconds").
        sampler: How recipes were chosen: at "random", or by earlier results ("tpe", "halving").
    """

    trials: Count
    best: Count
    space: str
    budget: str = "trials"
    sampler: str = "random"

"""Fold: the position of a run in a cross-validation."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_FOLDS = 100


class Fold(BaseModel):
    """Fold `number` of `of`: the run is tested on it, and trained on the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[int, Field(ge=1, le=MOST_FOLDS)]
    of: Annotated[int, Field(ge=2, le=MOST_FOLDS)]

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.number > self.of:
            raise ValueError(f"there is no {self}")
        return self

    def __str__(self) -> str:
        return f"fold {self.number} of {self.of}"


def which_run(seed: int, fold: Fold | None) -> str:
    """Distinguish a run of a model on a task from the others.

    >>> which_run(0, Fold(number=2, of=5))
    'seed 0, fold 2 of 5'
    """
    return f"seed {seed}" if fold is None else f"seed {seed}, {fold}"

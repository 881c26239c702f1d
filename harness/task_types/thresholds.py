"""Probability thresholds of labels: given by a user, or chosen on validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from harness.config.checking import Strict
from harness.errors import notice

VALIDATION = "validation"
DEFAULT = 0.5
Judged = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Probabilities and true values [n]."""


class ThresholdSettings(Strict):
    """Options of `harness predict` for labels that are either predicted or not."""

    threshold: Literal["validation"] | Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="Predict a label (of two, the second) above this probability; validation: the threshold with the "
        "best F1 on the run's validation split.",
    )

    @field_validator("threshold", mode="wrap")
    @classmethod
    def _is_probability(cls, given: object, check: ValidatorFunctionWrapHandler) -> object:
        try:
            return check(given)
        except ValidationError as error:
            raise ValueError(f'must be a number above 0 and below 1, or "{VALIDATION}"') from error


def threshold_of(settings: ThresholdSettings, judged: Callable[[], Judged]) -> float:
    """Return the requested threshold. If it is chosen on validation, print it."""
    if settings.threshold != VALIDATION:
        assert settings.threshold is not None
        return float(settings.threshold)
    probabilities, wanted = judged()
    found = best_threshold(probabilities, wanted)
    notice(f"threshold {found:.3g}: the best F1 of {wanted.size:,} decisions on the validation split")
    return found


def best_threshold(probabilities: NDArray[np.float64], wanted: NDArray[np.bool_]) -> float:
    """Find the threshold with the highest F1, halfway between two probabilities. Ties go to the nearest to 0.5.

    >>> best_threshold(np.array([0.1, 0.2, 0.4, 0.3]), np.array([False, False, True, True]))
    0.25

    Args:
        probabilities: The predicted probabilities [n].
        wanted: The true values [n]. If none is true, all thresholds tie.
    """
    order = np.argsort(-probabilities, kind="stable")
    said, hits = probabilities[order], np.cumsum(wanted[order])
    scores = 2 * hits / (np.arange(1, len(said) + 1) + wanted.sum())
    following = np.append(said[1:], 0.0)
    halfway = (said + following) / 2
    limits = np.where(halfway < said, halfway, following)  # Between neighbouring floats there is nothing.
    possible = following < said  # Equal probabilities must be on the same side.
    default = 2 * (wanted & (probabilities > DEFAULT)).sum() / max(1, (probabilities > DEFAULT).sum() + wanted.sum())
    candidates = [*zip(scores[possible], limits[possible], strict=True), (default, DEFAULT)]
    return float(max(candidates, key=lambda pair: (round(pair[0], 12), -abs(pair[1] - DEFAULT)))[1])

"""Temperature scaling: divide logits by one number so that probabilities are neither over- nor underconfident.

Source: Guo et al. 2017, "On calibration of modern neural networks", section 4.2. Predicted labels do not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, PositiveFloat, ValidationError, ValidatorFunctionWrapHandler, field_validator

from harness.errors import UserError, notice
from harness.metrics.metric import Floats
from harness.task_types.thresholds import VALIDATION, ThresholdSettings

COLDEST, HOTTEST = 0.05, 20.0


class PredictSettings(ThresholdSettings):
    """Options of `harness predict` for classification."""

    temperature: Literal["validation"] | PositiveFloat | None = Field(
        None,
        description="Divide logits by this number before they become probabilities; validation: by the one with the "
        "highest likelihood on the run's validation split (labels).",
    )

    @field_validator("temperature", mode="wrap")
    @classmethod
    def _is_one_of_both(cls, given: object, check: ValidatorFunctionWrapHandler) -> object:
        try:
            return check(given)
        except ValidationError as error:
            raise ValueError(f'must be a number above 0, or "{VALIDATION}"') from error


def fitted_temperature(logits: Floats, targets: Sequence[int]) -> float:
    """Return the temperature that maximizes the likelihood of the targets, between 0.05 and 20.

    Args:
        logits: The logits [examples, labels].
        targets: The index of each example's label [examples].
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 -- only needed here

    places = (np.arange(len(logits)), np.asarray(targets))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        most = scaled.max(axis=1)
        return float(np.mean(np.log(np.exp(scaled - most[:, None]).sum(axis=1)) + most - scaled[places]))

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def temperature_on(validated: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> float:
    """Fit the temperature on the answers of a validation split, and print it.

    Raises:
        UserError: If there is no validation split, or it has no wrong answer, so that no temperature can be fitted.
    """
    wrong = sum(row["prediction"] != row["reference"] for row in validated)
    if not wrong:
        raise UserError(
            f"--temperature {VALIDATION}: none of {len(validated):,} validation rows is predicted "
            "wrongly, so no temperature can be fitted. Give a number, or leave it out."
        )
    logits = np.array([row["logits"] for row in validated], dtype=np.float64)
    found = fitted_temperature(logits, [list(labels).index(row["reference"]) for row in validated])
    is_inside = COLDEST * 1.01 < found < HOTTEST / 1.01
    notice(
        f"temperature {found:.3g}, fitted on {len(validated):,} validation rows, {wrong:,} of them predicted wrongly"
        f"{'' if is_inside else ', an end of what is tried, so the best one may be beyond it'}"
    )
    return found


def cooled(answers: Sequence[Mapping[str, Any]], temperature: float) -> list[dict[str, Any]]:
    """Return answers with their logits divided by the temperature."""
    return [{**answer, "logits": (np.array(answer["logits"]) / temperature).tolist()} for answer in answers]

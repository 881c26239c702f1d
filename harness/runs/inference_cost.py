"""The inference cost of a finished model, as written to its folder by `harness measure`."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from harness.checksums import without_digest
from harness.config.checking import Strict
from harness.errors import UserError
from harness.regular_files import read_json

INFERENCE = "inference.json"
DISTURBED = 0.15  # Fraction of a core used by other processes above which times may be too long.
_ADVICE = "Delete it, and measure again."


class InferenceCost(Strict):
    """The inference cost of a finished model. Times include tokenization.

    Attributes:
        latency_p50: Median latency of a single text in seconds.
        latency_p95: 95th percentile of the latency of a single text in seconds.
        texts_per_second: Throughput at the best batch size tried.
        batch_size: That batch size.
        peak_memory_bytes: Peak memory of the process, or of the GPU if there is one.
        disk_bytes: Size of the checkpoint.
        texts: Number of single texts measured.
        others: Fraction of a core used by other processes meanwhile.
        hardware: The hardware of the measurement.
    """

    latency_p50: float
    latency_p95: float
    texts_per_second: float
    batch_size: int
    peak_memory_bytes: int
    disk_bytes: int
    texts: int
    others: float
    hardware: dict[str, str | int]

    @property
    def is_disturbed(self) -> bool:
        """Whether other processes used so much CPU that the times may be too long."""
        return self.others > DISTURBED

    def __str__(self) -> str:
        disturbed = ", disturbed by other processes" if self.is_disturbed else ""
        return (
            f"{1000 * self.latency_p50:.3g} ms a text (95 of 100 below {1000 * self.latency_p95:.3g} ms), "
            f"{self.texts_per_second:.3g} texts/s in batches of {self.batch_size}{disturbed}"
        )


def measured(run: Path) -> InferenceCost | None:
    """The result of `measured_run` for a run; None if it was not measured.

    Raises:
        UserError: If the file is damaged.
    """
    file = run / INFERENCE
    if not os.path.lexists(file):
        return None
    content = read_json(file, "measurement", _ADVICE)
    try:
        return InferenceCost.model_validate(without_digest(content))
    except (ValueError, ValidationError) as error:
        raise UserError(f"{file}: not as `harness measure` writes it. {_ADVICE}") from error

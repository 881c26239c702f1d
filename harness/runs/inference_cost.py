"""What a finished model costs in use, as `harness measure` leaves it in the run's folder."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from harness.checksums import without_digest
from harness.config.checking import Strict
from harness.errors import UserError
from harness.regular_files import read_json

INFERENCE = "inference.json"
DISTURBED = 0.15  # Of a core, taken by other processes.
_ADVICE = "Delete it, and measure again."


class InferenceCost(Strict):
    """What a finished model costs in use. Texts are tokenised within the times.

    Attributes:
        latency_p50: Seconds for one text alone; half of them take less.
        latency_p95: Seconds that 95 of 100 texts stay below.
        texts_per_second: At the best of some sizes of batch.
        batch_size: That size.
        peak_memory_bytes: Of the process, or of the GPU where there is one.
        disk_bytes: Of the checkpoint.
        texts: How many single texts were measured.
        others: Share of a core that other processes took meanwhile.
        hardware: What it ran on.
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
        """Whether other processes took so much that the times may be too long."""
        return self.others > DISTURBED

    def __str__(self) -> str:
        disturbed = ", disturbed by other processes" if self.is_disturbed else ""
        return (
            f"{1000 * self.latency_p50:.3g} ms a text (95 of 100 below {1000 * self.latency_p95:.3g} ms), "
            f"{self.texts_per_second:.3g} texts/s in batches of {self.batch_size}{disturbed}"
        )


def measured(run: Path) -> InferenceCost | None:
    """What `measured_run` found of a run; None where it was not measured.

    Raises:
        UserError: The file was damaged since.
    """
    file = run / INFERENCE
    if not os.path.lexists(file):
        return None
    content = read_json(file, "measurement", _ADVICE)
    try:
        return InferenceCost.model_validate(without_digest(content))
    except (ValueError, ValidationError) as error:
        raise UserError(f"{file}: not as `harness measure` writes it. {_ADVICE}") from error

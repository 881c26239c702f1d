"""The name of a result file: date and processor of the measurement, so results of different machines don't collide."""

from __future__ import annotations

import re
from datetime import date

from harness.ops.device import hardware


def dated_name() -> str:
    """Today and this machine's processor, as a file's name without its ending, such as 2026-11-25-amd-epyc."""
    processor = re.sub(r"\W+", "-", str(hardware(None)["processor"]).lower()).strip("-")
    return f"{date.today():%Y-%m-%d}-{processor}"

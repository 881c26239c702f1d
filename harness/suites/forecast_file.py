"""forecast.json: what was foreseen of a suite before its runs, in its folder, to be held against what came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.atomic_writes import write_atomically
from harness.checksums import with_digest, without_digest
from harness.errors import UserError
from harness.regular_files import read_json
from harness.suites.ranges import Range

FORECAST_FILE = "forecast.json"
ADVICE = "Delete it: only the forecast is lost."


@dataclass(frozen=True, slots=True)
class ForeseenPower:
    """What a task's comparison was to detect.

    Attributes:
        detectable: The smallest difference, in the metric's natural unit.
        half_width: Half the width of a difference's interval.
        seeds: Of each model.
        source: By what it was known.
    """

    detectable: float
    half_width: float
    seeds: int
    source: str


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was foreseen.

    Attributes:
        seconds: Of each run, by its folder below the suite's.
        power: Of each task.
    """

    seconds: Mapping[str, Range] = field(default_factory=dict)
    power: Mapping[str, ForeseenPower] = field(default_factory=dict)


_SHAPE = TypeAdapter(Foreseen)


def read_forecast(folder: Path) -> Foreseen:
    """What was foreseen of the suite with this folder; nothing where nothing was.

    Raises:
        UserError: The file is damaged.
    """
    file = folder / FORECAST_FILE
    if not file.exists():
        return Foreseen()
    content = read_json(file, "forecast", ADVICE)
    try:
        return _SHAPE.validate_python(without_digest(content))
    except (ValidationError, ValueError, AttributeError) as error:
        raise UserError(f"{file}: not as a suite writes it. {ADVICE}") from error


def keep_forecast(folder: Path, new: Foreseen) -> None:
    """Add what is foreseen now. What was foreseen of a run before it began stays; power is, for as many seeds.

    Raises:
        UserError: What was kept is damaged.
    """
    old = read_forecast(folder)
    power = {**new.power, **{task: one for task, one in old.power.items() if _seeds(new, task) in (None, one.seeds)}}
    both = Foreseen({**new.seconds, **old.seconds}, power)
    if both != old:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / FORECAST_FILE, json.dumps(with_digest(asdict(both)), indent=1).encode())


def _seeds(foreseen: Foreseen, task: str) -> int | None:
    return foreseen.power[task].seeds if task in foreseen.power else None

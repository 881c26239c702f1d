"""forecast.json: forecasts of a suite before its runs, in its folder, to compare with the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.checksums import without_digest, write_document
from harness.errors import UserError
from harness.regular_files import read_json
from harness.suites.ranges import Range

FORECAST_FILE = "forecast.json"
ADVICE = "Delete it: only the forecast is lost."


@dataclass(frozen=True, slots=True)
class ForeseenPower:
    """The forecast power of a task's comparison.

    Attributes:
        detectable: The smallest detectable difference, in the metric's natural unit.
        half_width: Half the width of a difference's interval.
        seeds: Number of seeds of each model.
        source: The basis of the forecast.
    """

    detectable: float
    half_width: float
    seeds: int
    source: str


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The forecasts.

    Attributes:
        seconds: The time of each run, by its folder relative to the suite's.
        power: The power on each task.
    """

    seconds: Mapping[str, Range] = field(default_factory=dict)
    power: Mapping[str, ForeseenPower] = field(default_factory=dict)


_SHAPE = TypeAdapter(Foreseen)


def read_forecast(folder: Path) -> Foreseen:
    """Read the forecasts of the suite with this folder; empty if there are none.

    Raises:
        UserError: If the file is damaged.
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
    """Add new forecasts. A run keeps its first one, made before it started, and a task its power for the same seeds.

    Raises:
        UserError: If the file is damaged.
    """
    old = read_forecast(folder)
    power = {**new.power, **{task: one for task, one in old.power.items() if _seeds(new, task) in (None, one.seeds)}}
    both = Foreseen({**new.seconds, **old.seconds}, power)
    if both != old:
        folder.mkdir(parents=True, exist_ok=True)
        write_document(folder / FORECAST_FILE, asdict(both))


def _seeds(foreseen: Foreseen, task: str) -> int | None:
    return foreseen.power[task].seeds if task in foreseen.power else None

"""Forecast the time and disk space of runs: from recorded runs, else from the model's operations and a speed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from statistics import median

from harness.config.checking import checked_record
from harness.config.training import Training
from harness.record import RunRecord
from harness.runs.run import Run
from harness.suites.ranges import NOTHING, Range
from harness.suites.recorded import Recorded
from harness.suites.sizes import Sizes
from harness.suites.speed import Speed, is_of_this_machine
from harness.suites.work import shape_of, weights_bytes, work

Records = Sequence[tuple[Path, RunRecord]]
Speeds = Callable[[str], Speed | None]
SIMPLE_BASELINE = Range(5.0, 1.0, 60.0)
BEGINNING = Range(5.0, 1.0, 20.0)
"""Seconds of a run without training: importing libraries, reading data and weights."""
STEP = Range(0.02, 0.005, 0.06)
"""Seconds of an optimizer step that do not depend on its tokens, and that dominate for short texts: bert-mini on words,
in batches of 8, took 55 ms of CPU time per step, of which operations are 30 at the assumed speed."""
ROW_BYTES, TOKENIZER_BYTES, SIMPLE_BYTES = 100, 1 << 20, 1 << 20
STATES = 4
"""Copies of the weights in the state of a run in progress: the model, two of AdamW, and the best so far."""


@dataclass(frozen=True, slots=True)
class RunForecast:
    """The time and disk space of one run.

    Attributes:
        seconds: Time in seconds; None if unknown.
        bytes: Disk space of the result.
        state_bytes: Disk space while it runs.
        source: The basis of the time, in words.
        done: The share of the work that is done, if the run continues from a saved state.
    """

    seconds: Range | None
    bytes: float
    state_bytes: float
    source: str
    done: float = 0.0

    @property
    def left(self) -> Range | None:
        """The time in seconds of what is left; None if unknown."""
        return None if self.seconds is None else self.seconds.times(1 - self.done) + BEGINNING.times(self.done)

    def continued(self, run: Run, sizes: Sizes) -> RunForecast:
        """The forecast of a run of the same recipe, which may have a saved state."""
        step = run.saved_step
        needed = work(run.config.training, sizes, run.config.evaluate) if step else None
        return self if needed is None else replace(self, done=needed.share_done(step))


def forecast(run: Run, sizes: Sizes, records: Records, speeds: Speeds, *, is_simple: bool = False) -> RunForecast:
    """Forecast a run.

    Args:
        run: The run.
        sizes: The sizes of its task.
        records: Records of the same task and data, from any suite.
        speeds: Returns the training speed at a precision for a model without records; None if unknown.
        is_simple: Whether the model is a simple baseline.
    """
    # A run that diverged ended before its time.
    alike = [(folder, one) for folder, one in records if one.status == "complete" and _is_same_model(one, run)]
    seconds, source = _recorded_seconds(run, sizes, [record for _, record in alike])
    if seconds is None and is_simple:
        seconds, source = SIMPLE_BASELINE, "the usual time of simple baselines"
    elif seconds is None:
        seconds, source = _by_operations(run, sizes, speeds)
    sizes_on_disk = [Recorded(folder, record).result_bytes for folder, record in alike]
    if is_simple:
        return RunForecast(seconds, median(sizes_on_disk) if sizes_on_disk else SIMPLE_BYTES, 0.0, source)
    weights = weights_bytes(run.config.model, shape_of(run.config.model)) if not sizes_on_disk else None
    rows = ROW_BYTES * (sizes.limited("test", run.config.training) or 0)
    whole = median(sizes_on_disk) if sizes_on_disk else (weights or 0) + TOKENIZER_BYTES + rows
    return RunForecast(seconds, whole, STATES * (weights or whole), source)


def wall_seconds(seconds: Sequence[Range], workers: int) -> Range:
    """The wall-clock time of runs that start in order as workers become free."""
    return Range(
        _makespan([one.about for one in seconds], workers),
        _makespan([one.low for one in seconds], workers),
        _makespan([one.high for one in seconds], workers),
    )


def total(ranges: Sequence[Range]) -> Range:
    """The sum."""
    return reduce(Range.__add__, ranges, NOTHING)


def _makespan(seconds: Sequence[float], workers: int) -> float:
    ends = [0.0] * workers
    for one in seconds:
        heapq.heapreplace(ends, ends[0] + one)
    return max(ends)


def _is_same_model(record: RunRecord, run: Run) -> bool:
    """Return whether the architecture is the same: the name and the weights do not affect the cost."""
    known, wanted = record.config.get("model", {}), run.config.model
    sizes = ("family", "checkpoint", "architecture", "vocabulary_size")
    return all(known.get(name) == value for name, value in wanted.model_dump(include={*sizes}).items())


def _recorded_seconds(run: Run, sizes: Sizes, alike: Sequence[RunRecord]) -> tuple[Range | None, str]:
    same, scaled = [], []
    for record in alike:
        recipe = checked_record(Training, record.config.get("training", {}), "", [])
        seconds = record.cost.total_seconds
        evaluate = record.config.get("evaluate", "test")
        if recipe == run.config.training and evaluate == run.config.evaluate:
            same.append((seconds, is_of_this_machine(record)))
        elif recipe is not None and (factor := _factor(recipe, evaluate, run, sizes)) is not None:
            scaled.append(seconds * factor)
    if same:
        return _around_recorded(same), "recorded runs"
    if scaled:
        about = median(scaled)
        return Range(about, about / 2, about * 2), f"recorded runs with another recipe{_uncounted(sizes)}"
    return None, ""


def _around_recorded(seconds: Sequence[tuple[float, bool]]) -> Range:
    """The range around recorded times: two runs of a recipe may differ by half, other machines by a factor of three."""
    ours = [one for one, is_ours in seconds if is_ours]
    if not ours:
        about = median(one for one, _ in seconds)
        return Range(about, about / 3, about * 3)
    return Range(median(ours), min(ours) / 1.3, max(ours) * 1.5)


def _factor(recipe: Training, evaluate: str, run: Run, sizes: Sizes) -> float | None:
    """The ratio of the run's work to that of a recorded one, by its recipe and the split that it was scored on."""
    before, now = work(recipe, sizes, evaluate), work(run.config.training, sizes, run.config.evaluate)
    if before is None or now is None:
        return None
    return now.tokens / before.tokens if before.tokens else None


def _by_operations(run: Run, sizes: Sizes, speeds: Speeds) -> tuple[Range | None, str]:
    shape, needed = shape_of(run.config.model), work(run.config.training, sizes, run.config.evaluate)
    speed = speeds(run.config.training.precision)
    if shape is None:
        return None, "the model's size is not known until its files are here"
    if needed is None:
        return None, "the task's size is not known before its data is read (a plan reads up to 16 MB)"
    if speed is None:
        return None, "the accelerator's speed is not known (harness plan --measure measures it)"
    seconds = speed.operations.inverse(needed.operations(shape))
    if not needed.is_length_known:
        seconds = seconds.loosened(2)
    source = f"the models' operations{_uncounted(sizes)} and {speed.source}"
    return seconds + BEGINNING + STEP.times(needed.steps), source


def _uncounted(sizes: Sizes) -> str:
    """What the operations of a task's runs leave out, in words to follow them; nothing if they are complete."""
    left_out = "" if sizes.task_type is None else sizes.task_type.uncounted
    return f" (without {left_out})" if left_out else ""

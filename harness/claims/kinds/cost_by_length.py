"""Full attention costs up to the square of a text's length, more than windows and recurrence: exponents of seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.claims.claim import Ascending, Chart, Claim, Finding, Judged, Numbers, Settings, Table, finding
from harness.claims.intervals import Interval, exponent, interval, ratio_interval
from harness.comparison.formatting import duration, memory
from harness.config.training import Training

FULL, WINDOWS, RECURRENCE = "full attention", "windows", "recurrence"
MODES = {"training": "training step", "reading": "forward pass"}


class CostSettings(Settings):
    """Settings of the measurement.

    Attributes:
        lengths: Tokens per document, ascending.
        repeats: Measurements per length.
        window: Tokens in a window, in a segment, and in a segment's memory.
        encoder: An untrained model of configs/models, read with full attention and in windows.
        recurrent: An untrained model with a memory.
    """

    lengths: Annotated[tuple[Annotated[int, Field(ge=8)], ...], Ascending] = Field(
        (512, 1024, 2048, 4096, 8192), min_length=2
    )
    repeats: int = Field(5, ge=1)
    window: int = Field(128, ge=8)
    encoder: str = "scratch-long"
    recurrent: str = "transformer-xl-tiny"


class Measured(BaseModel):
    """The cost of one document, read in one way.

    Attributes:
        way: The way to read: full attention, windows or recurrence.
        mode: "training" for a whole step, "reading" for a forward pass.
        length: Number of tokens of the document.
        seconds: Seconds of each repeat.
        memory_bytes: Peak memory of the process above that before the step; None for mode "reading".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    way: str
    mode: str
    length: int
    seconds: tuple[float, ...] = Field(min_length=1)
    memory_bytes: int | None = None


class CostNumbers(Numbers):
    """The measured numbers.

    Attributes:
        models: The model of each way to read.
        window: Number of tokens of a window or segment.
        threads: Number of threads.
        clock: The clock of the seconds, in words.
        measured: The cost for each way, mode and length.
    """

    models: dict[str, str]
    window: int
    threads: int
    clock: str
    measured: tuple[Measured, ...] = Field(min_length=1)

    def of(self, way: str, mode: str) -> list[Measured]:
        """Return the costs of a way and mode, sorted by length."""
        return sorted((m for m in self.measured if (m.way, m.mode) == (way, mode)), key=lambda m: m.length)

    def exponents(self, way: str, mode: str) -> list[float]:
        """Return the power of the length that the seconds grow with, for each repeat."""
        return _exponents(self.of(way, mode))


def _exponents(cases: Sequence[Measured]) -> list[float]:
    lengths = [float(one.length) for one in cases]
    return [exponent(lengths, seconds) for seconds in zip(*(one.seconds for one in cases), strict=True)]


def measure(settings: CostSettings, _folder: Path) -> CostNumbers:
    """Time a training step and a forward pass on one document, for each way and length, interleaved, on the CPU."""
    import torch  # noqa: PLC0415 -- judging and listing need none

    from harness.claims.timing import clock_words  # noqa: PLC0415
    from harness.ops.device import on_cpu  # noqa: PLC0415

    models = {FULL: settings.encoder, WINDOWS: settings.encoder, RECURRENCE: settings.recurrent}
    with on_cpu():
        found = _measured(settings, models)
    threads = torch.get_num_threads()
    return CostNumbers(
        models=models, window=settings.window, threads=threads, clock=clock_words(threads), measured=found
    )


def _measured(settings: CostSettings, models: Mapping[str, str]) -> tuple[Measured, ...]:
    from harness.claims.timing import interleaved  # noqa: PLC0415 -- torch

    work = {
        (way, mode, length): one
        for way, recipe in _recipes(settings).items()
        for (mode, length), one in _work(models[way], recipe, settings.lengths).items()
    }
    keys = {" ".join(map(str, key)): key for key in work}
    seconds = interleaved({name: work[key] for name, key in keys.items()}, settings.repeats)
    found = []
    for name, (way, mode, length) in keys.items():
        peak = _memory(work[way, mode, length]) if mode == "training" else None
        found.append(Measured(way=way, mode=mode, length=length, seconds=tuple(seconds[name]), memory_bytes=peak))
    return tuple(found)


def _recipes(settings: CostSettings) -> Mapping[str, Training]:
    """Return the recipe of each way, with one window or segment per pass: memory is that of one, at any length."""
    window, longest = settings.window, max(settings.lengths)
    recipes: dict[str, dict[str, object]] = {
        FULL: {"strategy": "head", "max_length": longest},
        WINDOWS: {"strategy": "windows", "max_length": window, "max_windows": longest},
        RECURRENCE: {"strategy": "segment_recurrence", "segment": window, "memory": window},
    }
    return {way: Training.model_validate({**recipe, "micro_batch_size": 1}) for way, recipe in recipes.items()}


def _work(model: str, recipe: Training, lengths: Sequence[int]) -> dict[tuple[str, int], Callable[[], object]]:
    """Make a training step and a forward pass on a document of each length, to be timed."""
    from harness.claims.documents import document, prepared  # noqa: PLC0415 -- torch

    trainer, objective, reader = prepared(model, recipe)
    found: dict[tuple[str, int], Callable[[], object]] = {}
    for length in lengths:
        text = document(reader, length)
        features = objective.features([text], reader)
        found["training", length] = lambda features=features: trainer.step(features.items)  # type: ignore[misc]
        found["reading", length] = lambda features=features, text=text: (  # type: ignore[misc]
            trainer.forward.evaluate(features, [text])
        )
    return found


def _memory(work: Callable[[], object]) -> int:
    """Do the work and return its peak memory, in bytes above that of the process before."""
    import psutil  # noqa: PLC0415 -- only measuring needs it

    from harness.ops.device import measure_peak_anew, peak_memory_bytes  # noqa: PLC0415 -- torch

    measure_peak_anew()
    before = psutil.Process().memory_info().rss
    work()
    return max(peak_memory_bytes() - int(before), 0)


def judge(numbers: CostNumbers) -> Judged:
    """Judge whether training by full attention grows faster in cost than by the others, and with the square."""
    longest = max(one.length for one in numbers.measured)
    return Judged(
        findings=tuple(_findings(numbers)),
        how=(
            f"A training step on one document of made-up words, and reading it, with small untrained models: "
            f"{numbers.models[FULL]} on the whole document at once and in windows of {numbers.window} tokens, "
            f"{numbers.models[RECURRENCE]} in segments of {numbers.window} with a memory of as many. The exponent is "
            f"the slope between the logarithms of seconds and length, one of each of {len(numbers.measured[0].seconds)}"
            f" repeats, all ways and lengths in turns; {numbers.clock}."
        ),
        limits=(
            f"Up to {longest:,} tokens and so narrow a model: with longer texts or a wider model, "
            "attention, which alone grows with the square, has another share of the cost.",
            "The seconds include what is made for each text, such as a batch, which flattens the short end.",
            "Memory is the process’s, measured once, as far as the system reports it; attention is computed in blocks, "
            "without its square of weights.",
        ),
        charts=(_chart(numbers),),
        tables=(_table(numbers), _exponent_table(numbers)),
    )


def _findings(numbers: CostNumbers) -> Iterator[Finding]:
    full = numbers.exponents(FULL, "training")
    for other in (WINDOWS, RECURRENCE):
        theirs = numbers.exponents(other, "training")
        more = interval([a - b for a, b in zip(full, theirs, strict=True)], tests=3)
        powers = f"as the length to the power of {_mean(full)} against {_mean(theirs)}, a difference of {more.shown()}"
        yield finding(
            more,
            0.0,
            above=f"the cost of full attention grows faster than that of {other} ({powers})",
            below=f"the cost of full attention grows more slowly than that of {other} ({powers})",
        )
    before, last = numbers.of(FULL, "training")[-2:]
    steep = interval([one - 2 for one in _exponents([before, last])], tests=3)
    shown = Interval(steep.value + 2, steep.low + 2, steep.high + 2).shown()
    at = f"(from {before.length:,} to {last.length:,} tokens to the power of {shown})"
    yield finding(
        steep,
        0.0,
        above=f"the cost of full attention grows no more slowly than the square {at}",
        below=f"the cost of full attention grows more slowly than the square {at}",
    )


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.2f}"


def _chart(numbers: CostNumbers) -> Chart:
    lines = {
        way: [(float(one.length), ratio_interval(one.seconds)) for one in numbers.of(way, "training")]
        for way in numbers.models
    }
    return Chart("Seconds of a training step on one document", "tokens of the document", "seconds", lines, is_log=True)


def _table(numbers: CostNumbers) -> Table:
    rows = []
    for way in numbers.models:
        for step, read in zip(numbers.of(way, "training"), numbers.of(way, "reading"), strict=True):
            seconds = (duration(ratio_interval(one.seconds).value) for one in (step, read))
            rows.append((f"{way}, {step.length:,} tokens", *seconds, memory(step.memory_bytes)))
    caption = "Geometric means over the repeats, and the memory that a training step took in addition."
    return Table(caption, ("document", "training step", "reading", "memory"), tuple(rows))


def _exponent_table(numbers: CostNumbers) -> Table:
    rows = []
    for way in numbers.models:
        for mode, words in MODES.items():
            cases = numbers.of(way, mode)
            steps = [interval(_exponents(pair)).shown() for pair in pairwise(cases)]
            rows.append((f"{way}, {words}", interval(_exponents(cases)).shown(), *steps))
    cases = numbers.of(FULL, "training")
    headings = tuple(f"{a.length:,} to {b.length:,}" for a, b in pairwise(cases))
    caption = "Exponents of the length, over all lengths and of each step, with 95 % intervals."
    return Table(caption, ("way", "all lengths", *headings), tuple(rows))


claim = Claim(
    title="Cost by length",
    says="What a Transformer with full attention costs grows faster with a text’s length than in windows or by "
    "recurrence, at the longest texts no more slowly than the square.",
    settings=CostSettings,
    numbers=CostNumbers,
    measure=measure,
    judge=judge,
)

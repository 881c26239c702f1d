"""A Transformer reads all tokens at once, a recurrent network one after another: tokens per second of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from harness.claims.claim import Ascending, Chart, Claim, Finding, Judged, Numbers, Settings, Table, finding
from harness.claims.intervals import ratio_interval
from harness.comparison.wording import listed

MODES = {"reading": "forward pass", "training": "training step"}
MODELS = ("transformer", "lstm")


class ParallelisationSettings(Settings):
    """Settings of the measurement.

    Attributes:
        lengths: Tokens per text, ascending.
        tokens: Tokens per forward pass; the batch has as many texts as this takes.
        repeats: Measurements per length.
        vocabulary: Vocabulary size of both models.
        width: Hidden size of the Transformer, and embedding size of both models.
        layers: Number of layers of both models.
    """

    lengths: Annotated[tuple[PositiveInt, ...], Ascending] = Field((16, 64, 256, 1024), min_length=1)
    tokens: int = Field(1024, ge=1)
    repeats: int = Field(6, ge=1)
    vocabulary: int = Field(2000, ge=2)
    width: int = Field(256, ge=2)
    layers: int = Field(4, ge=1)


class Measured(BaseModel):
    """Seconds of both models at one length.

    Attributes:
        mode: "reading" for a forward pass; "training" for forward, backward and the optimiser's step.
        length: Number of tokens of a text.
        texts: Number of texts in a batch.
        transformer: Seconds of the Transformer in each repeat.
        lstm: Seconds of the LSTM in the same repeats.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: str
    length: int
    texts: int
    transformer: tuple[float, ...] = Field(min_length=1)
    lstm: tuple[float, ...] = Field(min_length=1)

    @property
    def ratios(self) -> list[float]:
        """Ratio of the Transformer's speed to the LSTM's, in each repeat."""
        return [slow / fast for slow, fast in zip(self.lstm, self.transformer, strict=True)]

    def speed(self, model: str) -> float:
        """Return tokens per second, over all repeats."""
        seconds: tuple[float, ...] = getattr(self, model)
        return self.length * self.texts * len(seconds) / sum(seconds)


class ParallelisationNumbers(Numbers):
    """The measured numbers.

    Attributes:
        parameters: Number of parameters of each model.
        hidden: Hidden size of the LSTM.
        threads: Number of threads.
        clock: The clock of the seconds, in words.
        vector_unit: The processor's widest instructions that torch uses.
        measured: Seconds by mode and length.
    """

    parameters: dict[str, int]
    hidden: int
    threads: int
    clock: str
    vector_unit: str
    measured: tuple[Measured, ...] = Field(min_length=1)


def measure(settings: ParallelisationSettings, _folder: Path) -> ParallelisationNumbers:
    """Time both models on random tokens, interleaved."""
    import torch  # noqa: PLC0415 -- judging and listing need none

    from harness.claims.encoders import Size, TransformerClassifier, lstm_of_size, parameters  # noqa: PLC0415
    from harness.claims.timing import clock_words, interleaved  # noqa: PLC0415

    torch.manual_seed(0)
    size = Size(settings.vocabulary, settings.width, settings.layers)
    transformer = TransformerClassifier(size, max(settings.lengths))
    lstm = lstm_of_size(size, parameters(transformer))
    models = {"transformer": transformer, "lstm": lstm}
    found = []
    for mode, length in product(MODES, settings.lengths):
        texts = max(settings.tokens // length, 1)
        batch = torch.randint(settings.vocabulary, (texts, length))
        work = {name: _work(model, batch, mode) for name, model in models.items()}
        seconds = interleaved(work, settings.repeats)
        found.append(Measured(mode=mode, length=length, texts=texts, **{name: tuple(seconds[name]) for name in MODELS}))
    threads = torch.get_num_threads()
    return ParallelisationNumbers(
        parameters={name: parameters(model) for name, model in models.items()},
        hidden=lstm.lstm.hidden_size,
        threads=threads,
        clock=clock_words(threads),
        vector_unit=str(torch.backends.cpu.get_cpu_capability()),
        measured=tuple(found),
    )


def _work(model: Any, batch: Any, mode: str) -> Callable[[], object]:
    """Make one forward pass or training step on a batch, to be timed."""
    import torch  # noqa: PLC0415 -- judging and listing need none

    if mode == "reading":

        def read() -> None:
            model.eval()
            with torch.no_grad():
                model(batch)

        return read
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    labels = torch.zeros(len(batch), dtype=torch.long)

    def train() -> None:
        model.train()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(batch), labels).backward()
        optimizer.step()

    return train


def judge(numbers: ParallelisationNumbers) -> Judged:
    """Judge whether the Transformer is faster on the longest texts, and its lead grows with their length."""
    by_mode = {mode: [one for one in numbers.measured if one.mode == mode] for mode in MODES}
    tests = sum(len(cases) for cases in by_mode.values())  # At the longest texts, and each step up to them.
    return Judged(
        findings=tuple(found for cases in by_mode.values() if cases for found in _findings(cases, tests)),
        how=_how(numbers),
        limits=_limits(numbers),
        charts=(_chart(numbers),),
        tables=(_table(numbers),),
    )


def _findings(cases: Sequence[Measured], tests: int) -> Iterator[Finding]:
    longest, words = cases[-1], MODES[cases[0].mode]
    ratio = ratio_interval(longest.ratios, tests=tests)
    times = f"{ratio.shown()} times as many tokens a second as the LSTM on texts of {longest.length:,} ({words})"
    yield finding(
        ratio,
        1.0,
        above=f"the Transformer reads {times}",
        below=f"the Transformer reads only {times}",
        around=f"whether the Transformer reads more tokens a second: {times}",
    )
    if len(cases) > 1:
        yield _growth(cases, words, tests)


def _growth(cases: Sequence[Measured], words: str, tests: int) -> Finding:
    """Judge whether the ratio of speeds grows from each length to the next, with an interval for each step."""
    steps = {
        f"from {a.length:,} to {b.length:,}": ratio_interval(
            [after / before for before, after in zip(a.ratios, b.ratios, strict=True)], tests=tests
        )
        for a, b in pairwise(cases)
    }
    ratio = "the ratio of the Transformer’s tokens a second to the LSTM’s"
    times = f"({words}: {', '.join(f'{at} tokens multiplied by {step.shown()}' for at, step in steps.items())})"
    sides = {at: step.side(1.0) for at, step in steps.items()}
    shrinking = [at for at, side in sides.items() if side == "below"]
    if shrinking:
        return Finding("did not hold", f"{ratio} shrinks {listed(shrinking)} tokens {times}")
    if set(sides.values()) == {"above"}:
        return Finding("held", f"{ratio} grows with every step of the length {times}")
    return Finding("cannot tell", f"whether {ratio} grows with every step of the length {times}")


def _how(numbers: ParallelisationNumbers) -> str:
    first = numbers.measured[0]
    return (
        f"A Transformer encoder of {numbers.parameters['transformer']:,} parameters, and torch.nn.LSTM, "
        f"{numbers.hidden} wide, of {numbers.parameters['lstm']:,}, both with an embedding, the mean of the states and "
        f"a linear map, on {first.length * first.texts:,} random tokens a pass, cut into texts of each length. "
        f"{len(first.lstm)} repeats, both models in turns; {numbers.clock}."
    )


def _limits(numbers: ParallelisationNumbers) -> tuple[str, ...]:
    cores = "one core" if numbers.threads == 1 else f"{numbers.threads} cores"
    return (
        f"On a CPU, in parallel means the lanes of a vector unit ({numbers.vector_unit}) of {cores}; "
        "a GPU has thousands of such lanes.",
        f"The LSTM computes the texts of a batch side by side, {numbers.measured[0].texts:,} of them at the shortest "
        f"length and {numbers.measured[-1].texts:,} at the longest: that is what its speed falls with.",
        "The tokens are random: only speed is measured, and neither model learns anything.",
    )


def _chart(numbers: ParallelisationNumbers) -> Chart:
    lines = {
        words: [(float(one.length), ratio_interval(one.ratios)) for one in numbers.measured if one.mode == mode]
        for mode, words in MODES.items()
    }
    return Chart(
        "Tokens per second of the Transformer, as a multiple of the LSTM’s",
        "tokens of a text",
        "times as fast",
        {words: points for words, points in lines.items() if points},
        is_log=True,
        reference=1.0,
    )


def _table(numbers: ParallelisationNumbers) -> Table:
    rows = tuple(
        (
            f"{MODES[one.mode]}, {one.length:,} × {one.texts:,}",
            *(f"{one.speed(model):,.0f}" for model in MODELS),
            ratio_interval(one.ratios).shown(),
        )
        for one in numbers.measured
    )
    caption = "Tokens per second by the length and number of texts in a pass, and their ratio with its 95 % interval."
    return Table(caption, ("tokens × texts", "Transformer", "LSTM", "ratio"), rows)


claim = Claim(
    title="Parallelisation",
    says="A Transformer reads all tokens of a text in parallel, which a recurrent network cannot, so that it is "
    "faster, and the more so the longer the text.",
    settings=ParallelisationSettings,
    numbers=ParallelisationNumbers,
    measure=measure,
    judge=judge,
)

"""Claim: a statement about Transformers, with its measurement and its judgement.

Each module of `harness/claims/kinds` defines a claim as `claim`. Its `measure` yields numbers, which are recorded; its
`judge` reads these numbers, without a model: the interval of each test decides its outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from harness.claims.intervals import Interval
from harness.config.checking import Strict
from harness.registry import Registry

Outcome = Literal["held", "did not hold", "cannot tell"]
OUTCOMES: tuple[Outcome, ...] = ("held", "did not hold", "cannot tell")
CLAIMS = Registry("claim", "claim", packages=("harness.claims.kinds",))


class Settings(Strict):
    """Settings of a claim."""

    @property
    def read(self) -> tuple[str, ...]:
        """Suites whose runs the claim reads; they are run before it is measured."""
        return ()


def _ascending(lengths: tuple[int, ...]) -> tuple[int, ...]:
    if list(lengths) != sorted({*lengths}):
        raise ValueError("must ascend, each once")
    return lengths


Suites = Annotated[tuple[str, ...], Field(min_length=1)]
"""Names of configs/suites, or files."""
Ascending = AfterValidator(_ascending)
"""Validator that lengths ascend."""


class OfRuns(Settings):
    """Settings of a claim that is measured on the runs of suites.

    Attributes:
        suites: The suites to run: names of configs/suites, or files below the study's folder.
    """

    suites: Suites

    @property
    def read(self) -> tuple[str, ...]:
        """Suites whose runs the claim reads."""
        return self.suites


class Numbers(BaseModel):
    """Base of a claim's measurements."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one test, with a part of the claim's sentence, without a full stop."""

    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of formatted numbers."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over an axis, each point with its interval.

    Attributes:
        title: The caption, also announced by screen readers.
        across: Title of the horizontal axis, which is logarithmic.
        up: Title of the vertical axis.
        lines: The points of each line from left to right, by name.
        is_log: Whether the vertical axis is logarithmic too.
        reference: A value to compare with, drawn as a horizontal line, such as a ratio of 1; None if there is none.
    """

    title: str
    across: str
    up: str
    lines: Mapping[str, Sequence[tuple[float, Interval]]]
    is_log: bool = False
    reference: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgement of a claim.

    Attributes:
        findings: The outcome of each test.
        how: What was measured and how, in sentences.
        limits: Limitations, a sentence or two each.
        charts: Charts of the numbers.
        tables: Tables of the numbers.
    """

    findings: tuple[Finding, ...]
    how: str
    limits: tuple[str, ...]
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def verdict(self) -> str:
        """Summary of all findings in a few words."""
        found = {finding.outcome for finding in self.findings}
        if len(found) == 1:
            return found.pop()
        return "held in part" if "held" in found else "did not hold, as far as can be told"

    @property
    def sentence(self) -> str:
        """All findings in one sentence, starting with those that held."""
        line = "; ".join(f"{outcome}: {texts}" for outcome, texts in self.by_outcome)
        return f"{line[:1].upper()}{line[1:]}."

    @property
    def by_outcome(self) -> list[tuple[Outcome, str]]:
        """Texts of the findings by outcome: held, did not hold, cannot tell; outcomes without findings are left out."""
        found = ((outcome, [one.text for one in self.findings if one.outcome == outcome]) for outcome in OUTCOMES)
        return [(outcome, "; and ".join(texts)) for outcome, texts in found if texts]


@dataclass(frozen=True)
class Claim:
    """A claim.

    Attributes:
        title: A word or two.
        says: The statement.
        settings: The class of its settings.
        numbers: The class of its measurements.
        measure: Measures the numbers, given the settings and the folder of the study's runs.
        judge: Judges the claim by the numbers.
    """

    title: str
    says: str
    settings: type[Settings]
    numbers: type[Numbers]
    measure: Callable[[Any, Path], Numbers]
    judge: Callable[[Any], Judged]


def finding(found: Interval, bound: float, *, above: str, below: str, around: str = "") -> Finding:
    """Judge the claim that a number is above a bound by the number's interval.

    Args:
        found: The interval.
        bound: The bound.
        above: The text if the claim held: the whole interval is above the bound.
        below: The text if the whole interval is below.
        around: The text if neither is shown; default: whether the claim held.
    """
    texts: Mapping[str, tuple[Outcome, str]] = {
        "above": ("held", above),
        "below": ("did not hold", below),
        "around": ("cannot tell", around or f"whether {above}"),
    }
    return Finding(*texts[found.side(bound)])

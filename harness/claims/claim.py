"""Claim: something that is said of Transformers, how it is measured, and what the numbers say of it.

A claim is a module of `harness/claims/kinds` that gives one under the name `claim`. It measures numbers, which are
recorded, and judges numbers, which needs no model: each test's interval decides what is said.
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
        """Suites whose runs it reads, each made before it is measured."""
        return ()


def _ascending(lengths: tuple[int, ...]) -> tuple[int, ...]:
    if list(lengths) != sorted({*lengths}):
        raise ValueError("must ascend, each once")
    return lengths


Suites = Annotated[tuple[str, ...], Field(min_length=1)]
"""Names of configs/suites, or files."""
Ascending = AfterValidator(_ascending)
"""What checks that lengths ascend."""


class OfRuns(Settings):
    """Settings of a claim that is measured on the runs of suites.

    Attributes:
        suites: The suites to run: names of configs/suites, or files below the study's folder.
    """

    suites: Suites

    @property
    def read(self) -> tuple[str, ...]:
        """Suites whose runs it reads."""
        return self.suites


class Numbers(BaseModel):
    """What was measured of a claim."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one test says: a part of the claim's sentence, without a full stop."""

    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers, as they are shown."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over an axis, each point with its interval.

    Attributes:
        title: What a screen reader announces, and the caption.
        across: What is on the horizontal axis, which is logarithmic.
        up: What is on the vertical one.
        lines: By name, the points from left to right.
        is_log: Whether the vertical axis is logarithmic, too.
        reference: A line to compare with, such as a ratio of 1; None: there is none.
    """

    title: str
    across: str
    up: str
    lines: Mapping[str, Sequence[tuple[float, Interval]]]
    is_log: bool = False
    reference: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What the numbers say of a claim.

    Attributes:
        findings: One per test.
        how: What was measured and how, in sentences.
        limits: What it does not tell.
        charts: Drawings.
        tables: The numbers behind it.
    """

    findings: tuple[Finding, ...]
    how: str
    limits: tuple[str, ...]
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def verdict(self) -> str:
        """All findings in a few words."""
        found = {finding.outcome for finding in self.findings}
        if len(found) == 1:
            return found.pop()
        return "held in part" if "held" in found else "did not hold, as far as can be told"

    @property
    def sentence(self) -> str:
        """All findings in one sentence, what held first."""
        line = "; ".join(f"{outcome}: {texts}" for outcome, texts in self.by_outcome)
        return f"{line[:1].upper()}{line[1:]}."

    @property
    def by_outcome(self) -> list[tuple[Outcome, str]]:
        """What held, what did not and what can't be told, as far as there is any."""
        found = ((outcome, [one.text for one in self.findings if one.outcome == outcome]) for outcome in OUTCOMES)
        return [(outcome, "; and ".join(texts)) for outcome, texts in found if texts]


@dataclass(frozen=True)
class Claim:
    """A claim.

    Attributes:
        title: A word or two.
        says: What is claimed.
        settings: What may be set of how it is measured.
        numbers: What is measured.
        measure: Measures it, by the settings and the folder of the study's runs.
        judge: What numbers say of it.
    """

    title: str
    says: str
    settings: type[Settings]
    numbers: type[Numbers]
    measure: Callable[[Any, Path], Numbers]
    judge: Callable[[Any], Judged]


def finding(found: Interval, bound: float, *, above: str, below: str, around: str) -> Finding:
    """What an interval says of a claim that a number is above a bound.

    Args:
        found: The interval.
        bound: What the claim holds above.
        above: What is said where it holds: all of the interval is above.
        below: What is said where the opposite does.
        around: What can't be told where neither is shown, such as "whether it is faster".
    """
    texts: Mapping[str, tuple[Outcome, str]] = {
        "above": ("held", above),
        "below": ("did not hold", below),
        "around": ("cannot tell", around),
    }
    return Finding(*texts[found.side(bound)])

"""A forecast number with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log


@dataclass(frozen=True, slots=True)
class Range:
    """The most likely value, with a likely minimum and maximum."""

    about: float
    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        """The sum of values whose errors go together, as with all runs on a slow machine."""
        return Range(self.about + other.about, self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Range:
        """The range times a factor."""
        return Range(self.about * factor, self.low * factor, self.high * factor)

    def loosened(self, factor: float) -> Range:
        """The range with a further independent error by a factor."""
        if not self.low:
            return self

        def apart(end: float) -> float:
            return exp(hypot(log(end / self.about), log(factor)))

        return Range(self.about, self.about / apart(self.low), self.about * apart(self.high))

    def inverse(self, amount: float) -> Range:
        """The time for an amount at this speed."""
        return Range(amount / self.about, amount / self.high, amount / self.low)


NOTHING = Range(0.0, 0.0, 0.0)

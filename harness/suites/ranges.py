"""A number that is foreseen, with how far it may be off."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log


@dataclass(frozen=True, slots=True)
class Range:
    """About so much, and the least and the most that is likely."""

    about: float
    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        """The sum of what is off together, as all runs are on a slow machine."""
        return Range(self.about + other.about, self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Range:
        """So many times as much."""
        return Range(self.about * factor, self.low * factor, self.high * factor)

    def loosened(self, factor: float) -> Range:
        """The same where it may also be off by a factor for another reason, which need not go the same way."""
        if not self.low:
            return self

        def apart(end: float) -> float:
            return exp(hypot(log(end / self.about), log(factor)))

        return Range(self.about, self.about / apart(self.low), self.about * apart(self.high))

    def inverse(self, amount: float) -> Range:
        """How long so much takes at a speed."""
        return Range(amount / self.about, amount / self.high, amount / self.low)


NOTHING = Range(0.0, 0.0, 0.0)

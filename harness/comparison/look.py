"""Look: how far a comparison has come to which seeds are added (`harness.comparison.sequential`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How far a task's comparison has come, to which seeds are added until it is decided (`harness.suites.seeds`).

    Attributes:
        number: From 1; 0: the first look still lacks runs, so that nothing is claimed.
        looks: So many seeds have run at each look.
        seeds: Of each model, that the comparison is made of.
        level: Two-sided; below it a difference is claimed.
        left_out: Runs of further seeds: the next look still lacks some.
        begun_with: Runs that were recorded before the looks were fixed.
        undecided: Models whose comparison with the baseline, or else with the best model, is neither decided nor so
            small that the last look would hardly show it.
    """

    number: int
    looks: tuple[int, ...]
    seeds: tuple[int, ...]
    level: float
    left_out: int = 0
    begun_with: int = 0
    undecided: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether any look has all of its runs."""
        return self.number > 0

    @property
    def is_over(self) -> bool:
        """Whether no more seeds are to be run."""
        return self.is_whole and (self.number == len(self.looks) or not self.undecided)

"""Look: the progress of a sequential comparison (`harness.comparison.sequential`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The progress of a task's comparison to which seeds are added until it is decided (`harness.suites.seeds`).

    Attributes:
        number: The number of the look, from 1; 0 if the first look still lacks runs, so that nothing is claimed.
        looks: Number of seeds at each look.
        seeds: The seeds of each model that the comparison uses.
        level: Two-sided significance level.
        left_out: Number of runs of further seeds, whose look still lacks runs.
        begun_with: Number of runs recorded before the looks were fixed.
        undecided: Models whose comparison with the baseline (else with the best model) is neither decided nor so small
            that the last look would hardly show it.
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
        """Whether no more seeds need to run."""
        return self.is_whole and (self.number == len(self.looks) or not self.undecided)

"""Runs whose training collapsed: they tell no test example from another, or do no better than if they told none.

Fine-tuning with some seeds ends there (Mosbach, Andriushchenko and Klakow 2021, section 3, "failed runs"). What three
runs show of it says little: where one seed in five collapses, half of all sets of three show no collapse at all. So no
interval of a mean over all runs can be trusted where only some collapsed; they are counted, and the others' score told
apart.
"""

from __future__ import annotations

from math import comb

from harness.comparison.rescoring import RescoredRun
from harness.comparison.results import Cell
from harness.comparison.statistics import CONFIDENCE, Evidence, mean
from harness.metrics.lookup import unit_of
from harness.record import TaskCard


def is_collapsed(run: RescoredRun, *, higher_is_better: bool) -> bool:
    """Whether the run gave one answer to all test examples, or scored no better than the best such answer."""
    constant = run.split.constant_score
    if constant is None:
        return False
    gain = run.score - constant if higher_is_better else constant - run.score
    return run.is_constant or gain <= 1e-12


def stands_apart(others: Evidence, constant: float, card: TaskCard) -> bool:
    """Whether the runs that did not collapse are better than one answer to all by more than the test examples explain.

    If so, a model's runs are of two sorts. If not, the model is about as good as that answer, and some of its runs are
    a little better by chance.

    Args:
        others: What these runs say.
        constant: What the best such answer scores.
        card: The task's.
    """
    unit = unit_of(card.main_metric)
    found = mean(others.averaged, least=unit.least, most=unit.most)
    end = found.low if card.higher_is_better else found.high
    return end is not None and (end > constant if card.higher_is_better else end < constant)


def most_that_collapse(collapsed: int, runs: int) -> float:
    """The largest share of runs that may collapse: the upper end of a one-sided 95 % interval.

    Source: Clopper and Pearson 1934.

    >>> round(most_that_collapse(0, 3), 3), round(most_that_collapse(1, 3), 3), most_that_collapse(3, 3)
    (0.632, 0.865, 1.0)
    """
    from scipy.special import betaincinv  # noqa: PLC0415 -- only comparing needs it

    return 1.0 if collapsed >= runs else float(betaincinv(collapsed + 1, runs - collapsed, CONFIDENCE))


def collapse_upper_bound(cell: Cell) -> float | None:
    """The largest share of a model's runs that may collapse; None of a simple baseline, and without scored runs."""
    runs = len(cell.scored)
    return most_that_collapse(len(cell.collapsed), runs) if runs and not cell.is_simple_baseline else None


def chance_of_all_or_none(ahead: int, behind: int) -> float:
    """How often, of two models that collapse alike, the runs of one would all collapse and none of the other's.

    Runs that all collapsed are alike, so that a t test takes them for certain. This is Fisher's exact test, one-sided.

    Args:
        ahead: Runs of the model without a collapse.
        behind: Runs of the other one.
    """
    return 1 / comb(ahead + behind, behind)

"""Runs whose training collapsed: they give every test example the same answer, or do no better than that.

Fine-tuning fails like this for some seeds (Mosbach, Andriushchenko and Klakow 2021, section 3, "failed runs"). Three
runs tell little about how often: if one seed in five collapses, half of all sets of three contain no collapse. So if
only some runs collapsed, no interval of the mean over all runs can be trusted; the collapsed runs are counted, and the
score of the others is reported separately.
"""

from __future__ import annotations

from math import comb

from harness.comparison.rescoring import RescoredRun
from harness.comparison.results import Cell
from harness.comparison.statistics import CONFIDENCE, Evidence, mean
from harness.metrics.lookup import unit_of
from harness.record import TaskCard


def is_collapsed(run: RescoredRun, *, higher_is_better: bool) -> bool:
    """Return whether the run gave all test examples the same answer, or did not beat the best such answer.

    False if no such answer is known.
    """
    constant = run.split.constant_score
    if constant is None:
        return False
    gain = run.score - constant if higher_is_better else constant - run.score
    return run.is_constant or gain <= 1e-12


def stands_apart(others: Evidence, constant: float, card: TaskCard) -> bool:
    """Return whether runs without collapse beat a constant answer by more than the choice of test examples explains.

    If so, the model's runs are of two kinds. If not, the model is about as good as the constant answer, and some of its
    runs are slightly better by chance.

    Args:
        others: The evidence of the runs without collapse.
        constant: The score of the best constant answer.
        card: The task card.
    """
    unit = unit_of(card.main_metric)
    found = mean(others.averaged, least=unit.least, most=unit.most)
    end = found.low if card.higher_is_better else found.high
    return end is not None and (end > constant if card.higher_is_better else end < constant)


def most_that_collapse(collapsed: int, runs: int) -> float:
    """The upper end of a one-sided 95 % interval of the share of runs that collapse.

    Source: Clopper and Pearson 1934.

    >>> round(most_that_collapse(0, 3), 3), round(most_that_collapse(1, 3), 3), most_that_collapse(3, 3)
    (0.632, 0.865, 1.0)
    """
    from scipy.special import betaincinv  # noqa: PLC0415 -- only comparing needs it

    return 1.0 if collapsed >= runs else float(betaincinv(collapsed + 1, runs - collapsed, CONFIDENCE))


def collapse_upper_bound(cell: Cell) -> float | None:
    """The largest plausible share of runs that collapse; None for simple baselines and without scored runs."""
    runs = len(cell.scored)
    return most_that_collapse(len(cell.collapsed), runs) if runs and not cell.is_simple_baseline else None


def chance_of_all_or_none(ahead: int, behind: int) -> float:
    """The probability that all runs of one model and none of the other collapse, if both collapse equally often.

    Runs that all collapsed are alike, so a t test takes them for certain. This is Fisher's exact test, one-sided.

    Args:
        ahead: Number of runs of the model without a collapse.
        behind: Number of runs of the other model.
    """
    return 1 / comb(ahead + behind, behind)

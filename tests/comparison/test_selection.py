"""The interval of the best of several models, which was chosen because its score is high."""

from dataclasses import replace

import numpy as np
import pytest

from harness.comparison.claims import ScoredModel
from harness.comparison.results import BestOf
from harness.comparison.selection import best_of
from harness.comparison.statistics import Evidence, mean
from harness.metrics.metric import Unit

UNIT = Unit(1, 1)


def scored(*scores: float, clusters: int = 50) -> ScoredModel:
    moved = np.resize([0.004, -0.004], clusters) * np.ones((len(scores), 1))
    return ScoredModel(Evidence(np.array(scores), moved), ("test", None))


MODELS = {"a": scored(0.7, 0.72), "b": scored(0.8, 0.84), "c": scored(0.9, 0.97), "not in the race": scored(0.1, 2.0)}


@pytest.mark.parametrize("chosen", [["a", "b"], ["a", "c", "b"]])
def test_the_flattered_end_misses_by_one_k_th(chosen: list[str]):
    first, last = (MODELS[name].evidence for name in (chosen[0], "b" if len(chosen) == 2 else "c"))
    most = best_of(MODELS, chosen, 1, UNIT, 0.04)
    assert most == BestOf(len(chosen), mean(last, miss=0.04 / len(chosen)).low, mean(last, miss=0.04).high)
    least = best_of(MODELS, chosen, -1, UNIT, 0.04)
    assert least == BestOf(len(chosen), mean(first, miss=0.04).low, mean(first, miss=0.04 / len(chosen)).high)


def test_one_that_alone_may_be_the_best_was_not_chosen():
    assert best_of({}, ["a"], 1, UNIT) is None


def test_the_best_of_several_has_no_interval_where_its_mean_has_none():
    without = scored(0.99, 0.99, clusters=0)
    collapsed = replace(MODELS["c"], is_mixed=True)
    for best in (without, collapsed):
        assert best_of({**MODELS, "best": best, "c": MODELS["a"]}, ["a", "best"], 1, UNIT) is None

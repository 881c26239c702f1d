"""One family of comparisons: its level, and that what it says hangs together."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import norm, studentized_range

from harness.comparison.multiplicity import Ahead, family_error, step_down


def pairs(estimates, error=1.0):
    """One-sided p-values of independent estimates with the same standard error."""
    found = {}
    for winner, loser in permutations(estimates, 2):
        distance = (estimates[winner] - estimates[loser]) / (error * np.sqrt(2))
        found[winner, loser] = float(norm.sf(distance))
    return found


def test_two_models_need_no_adjustment_but_for_the_two_directions():
    assert family_error(0.01, tied=2, models=2) == pytest.approx(0.02, rel=1e-4)
    assert family_error(0.01, tied=1, models=2) == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("models", [3, 6, 20])
def test_where_all_tie_the_level_is_that_of_the_studentised_range(models):
    quantile = studentized_range.ppf(0.95, models, np.inf)
    assert family_error(float(norm.sf(quantile / np.sqrt(2))), tied=models, models=models) == pytest.approx(
        0.05, rel=1e-3
    )


def test_the_fewer_models_are_left_the_less_is_asked_of_them():
    errors = [family_error(0.005, tied, 6) for tied in (6, 5, 4, 3, 2, 1)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 5 * 0.005  # Bonferroni's bound


def test_a_clear_best_model_is_ahead_of_all_and_nothing_is_ahead_of_it():
    models = ["a", "b", "c", "d"]
    found = step_down(models, pairs({"a": 9.0, "b": 0.3, "c": 0.1, "d": 0.0}))
    assert [found.ahead_of(model) for model in models] == [(), ("a",), ("a",), ("a",)]


def test_a_model_that_beats_each_other_one_by_itself_is_the_best_though_no_step_shows_it():
    # Each raw p is 0.019: twice that over four fifths of the level is 0.0475; the steps ask for 0.05 among six.
    models = list("abcdef")
    raw = dict.fromkeys(permutations(models, 2), 0.5)
    raw |= {("a", other): 0.019 for other in "bcdef"} | {(other, "a"): 0.981 for other in "bcdef"}
    found = step_down(models, raw)
    assert [found.ahead_of(model) for model in models] == [(), *[("a",)] * 5]
    assert found.p_value("a", "f") == pytest.approx(0.0475)
    assert step_down(models, raw, sole_best=1e-9).p_value("a", "f") > 0.05


def test_one_rival_that_is_not_beaten_leaves_the_best_in_doubt():
    models = list("abcdef")
    raw = dict.fromkeys(permutations(models, 2), 0.5)
    raw |= {("a", other): 0.019 for other in "bcde"} | {("a", "f"): 0.021}
    found = step_down(models, raw)
    assert [found.ahead_of(model) for model in models] == [()] * 6
    assert found.p_value("b", "a") == 1.0
    del raw["a", "f"], raw["f", "a"]  # Nor is it known to be the best where it was not compared with each.
    assert step_down(models, raw).ahead_of("b") == ()


def test_a_later_step_is_at_the_level_of_the_models_that_are_left():
    raw = dict.fromkeys(permutations("abc", 2), 0.5) | {("b", "c"): 1e-9, ("a", "b"): 0.01}
    found = step_down(["a", "b", "c"], raw)
    assert found.p_value("b", "c") == pytest.approx(family_error(1e-9, tied=3, models=3))
    assert found.p_value("a", "b") == pytest.approx(family_error(0.01, tied=2, models=3))
    assert found.p_value("a", "b") > 0.02


def test_a_p_value_of_exactly_the_level_claims_nothing():
    assert Ahead(("a", "b"), np.array([[1.0, 0.05], [1.0, 1.0]]), frozenset("ab")).ahead_of("b") == ()


def test_some_model_is_always_left():
    models = ["a", "b", "c"]
    circle = {("a", "b"): 1e-9, ("b", "c"): 1e-8, ("c", "a"): 1e-7}
    raw = {**circle, **{(loser, winner): 1 - p for (winner, loser), p in circle.items()}}
    found = step_down(models, raw)
    assert [model for model in models if not found.ahead_of(model)] == ["a"]


def test_a_pair_that_was_not_compared_says_nothing():
    found = step_down(["a", "b", "c"], {("a", "b"): 1e-6, ("b", "a"): 1 - 1e-6})
    assert (found.ahead_of("b"), found.ahead_of("c"), found.p_value("a", "c")) == (("a",), (), 1.0)


@pytest.mark.slow
def test_equally_good_models_are_left_out_in_at_most_one_family_of_twenty():
    rng = np.random.default_rng(3)
    for better in (0.0, 9.0):  # Six that tie, and six of which one is far behind: five tie.
        wrong = 0
        for _ in range(400):
            estimates = dict(zip("abcdef", rng.normal(size=6).tolist(), strict=True))
            estimates["f"] -= better
            found = step_down(list(estimates), pairs(estimates))
            wrong += any(set(found.ahead_of(model)) - {"f"} for model in "abcde")
        assert wrong / 400 < 0.08  # 5 % and three standard errors


@pytest.mark.slow
def test_a_better_model_is_found_alone_more_often_than_by_all_pairs():
    rng = np.random.default_rng(4)
    alone = by_pairs = 0
    for _ in range(300):
        estimates = dict(zip("abcdef", rng.normal(size=6).tolist(), strict=True))
        estimates["a"] += 4.0
        raw = pairs(estimates)
        found = step_down(list(estimates), raw)
        alone += all(found.ahead_of(model) for model in "bcdef")
        by_pairs += all(2 * 15 * raw["a", model] < 0.05 for model in "bcdef")
    assert alone > by_pairs

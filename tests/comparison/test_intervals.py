"""Intervals of scores: inside their range, and as their sources have them."""

import numpy as np
import pytest
from scipy import stats

from harness.comparison.intervals import Spread, interval
from harness.comparison.statistics import Evidence, mean


def scored(values: np.ndarray) -> Evidence:
    means = values.mean(axis=1)
    return Evidence(means, (values - means[:, None]) / values.shape[1])


def test_a_share_in_the_middle_is_put_on_the_logit_scale():
    found = interval(0.8, Spread(0.08, 0.06, 0.0016, 100, 2), 0.0, 1.0)
    logit, slope = np.log(4), 0.1 / 0.16
    assert found == pytest.approx([1 / (1 + np.exp(-(logit + sign * slope))) for sign in (-1, 1)])


def test_the_interval_of_a_perfect_score_is_wilsons():
    found = mean(scored(np.ones((3, 50))), least=0.0, most=1.0)
    z = stats.t.ppf(0.975, 49)
    assert (found.low, found.high) == (pytest.approx(50 / (50 + z**2)), 1.0)
    none = mean(scored(np.zeros((3, 50))), least=0.0, most=1.0)
    assert (none.low, none.high) == (0.0, pytest.approx(1 - 50 / (50 + z**2)))


def test_near_the_end_one_seeds_interval_is_wilsons():
    values = np.ones((1, 50))
    values[0, 7] = 0
    found = mean(scored(values), least=0.0, most=1.0)
    count = 0.98 * 0.02 / (0.98 * 0.02 / 49)  # the variance of a mean, with 49 degrees of freedom
    expected = stats.binomtest(48, 49).proportion_ci(method="wilson")  # between these two counts
    wider = stats.binomtest(47, 49).proportion_ci(method="wilson")
    assert count == pytest.approx(49)
    assert wider.low < found.low < expected.low
    assert found.high < 1


def test_near_the_end_the_seeds_part_joins_wilsons_on_the_logit_scale():
    found = interval(0.98, Spread(0.04, 0.01, 0.0004, 49, 2.0), 0.0, 1.0)
    count, z = 0.98 * 0.02 / 0.0004, 2.0  # 49: Wilson's interval by its own formula
    middle = (0.98 + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(0.98 * 0.02 / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    centre, seeds = np.log(49), 0.01 / (0.98 * 0.02)
    expected = []
    for sign, end in ((-1, middle - half), (1, middle + half)):
        logit = centre + sign * np.hypot(np.log(end / (1 - end)) - centre, seeds)
        expected.append(1 / (1 + np.exp(-logit)))
    assert found == pytest.approx(expected)


def test_a_correlation_is_put_on_fishers_scale_and_an_error_on_the_logarithms():
    assert interval(0.6, Spread(0.08, 0.06, 0.0016, 100, 2), -1.0, 1.0) == pytest.approx(
        [np.tanh(np.arctanh(0.6) + sign * 0.1 / 0.64) for sign in (-1, 1)]
    )
    assert interval(2.0, Spread(0.08, 0.06, 0.0016, 100, 2), 1.0, np.inf) == pytest.approx(
        [1 + np.exp(sign * 0.1) for sign in (-1, 1)]
    )


@pytest.mark.parametrize(("least", "most"), [(0.0, 1.0), (-1.0, 1.0), (0.0, np.inf), (1.0, np.inf), (-np.inf, np.inf)])
def test_a_shaky_model_s_interval_stays_inside_the_range(least, most):
    for value in (0.97, 0.5, 0.03):
        shift = max(least, 0)
        found = interval(value + shift, Spread(0.05, 0.4, 0.0006, 100, 2), least, most)
        assert found is not None
        assert least <= found[0] < value + shift < found[1] <= most


def test_a_score_at_an_end_of_its_range_has_an_interval_on_its_own_scale():
    # No logarithm and no atanh is there; half the width is the root of 0.08² + 0.06².
    spread = Spread(0.08, 0.06, 0.0016, 100, 2)
    assert interval(0.0, spread, 0.0, np.inf) == pytest.approx((0.0, 0.1))
    assert interval(1.0, spread, -1.0, 1.0) == pytest.approx((0.9, 1.0))
    assert interval(-1.0, spread, -1.0, 1.0) == pytest.approx((-1.0, -0.9))


def test_a_spread_that_is_far_beyond_an_errors_own_size_is_put_on_the_errors_scale():
    # Losses below 0, as a stranger's predictions may hold, cancel out to next to nothing: e to a million is no number.
    assert interval(1e-6, Spread(0.8, 0.6, 1.0, 100, 2), 0.0, np.inf) == pytest.approx((0.0, 1.0 + 1e-6))
    assert interval(1 + 1e-6, Spread(0.8, 0.6, 1.0, 100, 2), 1.0, np.inf) == pytest.approx((1.0, 2.0 + 1e-6))
    near = interval(0.5, Spread(4.9, 0.0, 1.0, 100, 2), 0.0, np.inf)
    assert near == pytest.approx((0.5 * np.exp(-9.8), 0.5 * np.exp(9.8)))
    assert interval(0.5, Spread(5.0, 0.0, 1.0, 100, 2), 0.0, np.inf) == pytest.approx((0.0, 5.5))


def test_without_any_spread_there_is_no_interval_but_near_the_end_of_a_share():
    for least, most in ((-1.0, 1.0), (0.0, np.inf), (-np.inf, np.inf), (0.0, 1.0)):
        assert interval(0.5, Spread(0.0, 0.0, 0.0, 100, 2), least, most) is None
    assert interval(1.0, Spread(0.0, 0.0, 0.0, 0, 2), 0.0, 1.0) is None
    # Wilson's of a single cluster that is right: from 1 / (1 + 2²).
    assert interval(1.0, Spread(0.0, 0.0, 0.0, 1, 2), 0.0, 1.0) == pytest.approx((0.2, 1.0))
    # One that is right but for rounding is no other.
    assert interval(1 - 2**-53, Spread(0.0, 0.0, 0.0, 7, 2), 0.0, 1.0) == pytest.approx((7 / 11, 1.0))
    # Five effective examples of ten are enough for the logit scale: 1 / (1 + exp(-+ 0.2 / 0.25)).
    found = interval(0.5, Spread(0.2, 0.0, 0.025, 10, 2), 0.0, 1.0)
    assert found == pytest.approx((1 / (1 + np.exp(0.8)), 1 / (1 + np.exp(-0.8))))


def test_more_spread_is_a_wider_interval():
    for least, most in ((0.0, 1.0), (-1.0, 1.0), (0.0, np.inf)):
        narrow, wide = (interval(0.9, Spread(0.05, seeds, 0.0006, 100, 2), least, most) for seeds in (0.02, 0.1))
        assert wide[0] < narrow[0] < 0.9 < narrow[1] < wide[1]


def test_the_two_rules_for_shares_meet_without_a_jump():
    variances = [0.05 * 0.95 / count for count in (99, 101)]
    below, above = (interval(0.95, Spread(1.98 * v**0.5, 0.02, v, 100, 1.98), 0, 1) for v in variances)
    assert below == pytest.approx(above, abs=0.02)


def test_a_few_large_groups_that_agree_are_not_taken_for_a_few_examples():
    # Ten films with 24 reviews each: the scores of the films differ as those of 85 single reviews would.
    variance = 0.745 * 0.255 / 85
    low, high = interval(0.745, Spread(2.26 * variance**0.5, 0.0, variance, 10, 2.26), 0, 1)
    assert (low, high) == (pytest.approx(0.63, abs=0.015), pytest.approx(0.835, abs=0.015))


@pytest.mark.slow
@pytest.mark.parametrize(("share", "examples"), [(0.986, 50), (0.9, 50), (0.7, 250)])
@pytest.mark.parametrize("seeds", [1, 3])
def test_the_interval_of_accuracy_covers_what_it_promises(share, examples, seeds):
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(4000):
        hard = rng.random(examples) < (1 - share) / 2  # wrong for every seed; the rest of the errors are each one's own
        right = ~hard & (rng.random((seeds, examples)) < share / (1 - (1 - share) / 2))
        found = mean(scored(right.astype(float)), least=0.0, most=1.0)
        covered += found.low <= share <= found.high
    assert 0.93 < covered / 4000 < 0.99  # at 98.6 % of 50 the few possible scores make more of it

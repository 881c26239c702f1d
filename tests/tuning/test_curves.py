"""Tuning curves and their bands."""

import math

import numpy as np
import pytest

from harness.tuning.curves import chance_inside, distribution_band, tuning_curve

OPDA = (
    [0.0, 0.0005, 0.0128, 0.0451, 0.096, 0.1644, 0.2511, 0.3605, 0.5065],
    [0.4935, 0.6395, 0.7489, 0.8356, 0.904, 0.9549, 0.9872, 0.9995, 1.0],
)


def curve(scores, *, higher=True, least=0.0, most=1.0):
    return tuning_curve(scores, higher_is_better=higher, least=least, most=most)


def test_one_number_lies_between_two_bounds_as_often_as_they_are_apart():
    assert chance_inside(np.array([0.2]), np.array([0.7])) == pytest.approx(0.5)


def test_two_ordered_numbers_by_hand():
    # Both below 0.5: 1/4. The smaller below 0.5 and the larger above: 1/2.
    assert chance_inside(np.array([0.0, 0.0]), np.array([0.5, 0.5])) == pytest.approx(0.25)
    assert chance_inside(np.array([0.0, 0.5]), np.array([0.5, 1.0])) == pytest.approx(0.5)


def test_the_band_of_eight_trials_is_that_of_another_implementation():
    # opda 0.8.0, ld_equal_tailed, 95 %: 2 million draws with seed 0, whose critical value is known to 0.0003.
    lower, upper = distribution_band(8)
    assert lower == pytest.approx(OPDA[0], abs=0.002)
    assert upper == pytest.approx(OPDA[1], abs=0.002)


@pytest.mark.parametrize("trials", [1, 2, 5, 16])
def test_the_band_holds_together_as_often_as_it_says(trials):
    lower, upper = distribution_band(trials)
    drawn = np.sort(np.random.default_rng(trials).random((40_000, trials)))
    inside = ((drawn >= lower[1:]) & (drawn <= upper[:-1])).all(axis=1)
    assert inside.mean() == pytest.approx(0.95, abs=0.005)  # Standard error 0.0011.


def test_a_curve_rises_to_the_best_trial_inside_its_band():
    found = curve([0.5, 0.8, 0.6, 0.7])
    # The score that a share of 0.5 of all trials doesn't exceed, then 0.71, 0.79 and 0.84.
    assert found.typical == (0.6, 0.7, 0.8, 0.8)
    assert all(low <= typical <= high for low, typical, high in zip(found.low, found.typical, found.high, strict=True))
    assert found.high[-1] == 1.0
    assert found.low[0] == 0.0


def test_where_less_is_better_the_curve_falls():
    found = curve([3.0, 1.0, 2.0, 4.0], higher=False, least=0.0, most=math.inf)
    assert found.typical == (3.0, 2.0, 1.0, 1.0)
    mirrored = curve([-3.0, -1.0, -2.0, -4.0], least=-math.inf, most=0.0)
    assert tuple(-value for value in mirrored.typical) == found.typical
    assert tuple(-value for value in mirrored.low) == found.high
    assert found.low[-1] == 0.0


def test_a_trial_without_a_score_is_the_worst():
    assert curve([None, 0.8, None, 0.7]).typical == curve([0.0, 0.8, 0.0, 0.7]).typical
    assert curve([None], least=-math.inf, most=math.inf).typical == (-math.inf,)


def test_bands_hold_for_scores_with_ties():
    # 200 searches of 12 trials whose scores are rounded: the true curve of the median leaves the band rarely.
    random = np.random.default_rng(3)
    population = np.sort(np.round(random.beta(5, 2, 100_000), 1))
    shares = 0.5 ** (1 / np.arange(1, 13))
    truth = population[np.ceil(shares * len(population)).astype(int) - 1]
    found = [curve(random.choice(population, 12).tolist()) for _ in range(200)]
    inside = [np.all((np.array(one.low) <= truth) & (truth <= np.array(one.high))) for one in found]
    assert np.mean(inside) >= 0.95

"""The power law of errors by training size: what it says where it fits, and that it is silent where it does not."""

import numpy as np
import pytest

from harness.comparison.power_law import FARTHEST, MOST_SPREAD, fitted_law
from harness.comparison.statistics import Evidence

SIZES = (100, 300, 1000, 3000)


def evidences(errors, *, seeds=5, examples=20_000, spread=0.01, seed=0):
    """Runs whose errors are these, on hard and easy test examples, but for noise."""
    generator = np.random.default_rng(seed)
    hard = 2 * generator.permutation(np.arange(examples)) / examples
    found = []
    for error in errors:
        own = np.clip(error * (1 + generator.normal(0, spread, seeds)), 0, 1)
        right = 1.0 - (generator.random((seeds, examples)) < own[:, None] * hard)
        scores = right.mean(axis=1)
        found.append(Evidence(scores, (right - scores[:, None]) / examples))
    return found


def law_of(n, a=0.0, b=0.9, c=0.25):
    return a + b * np.asarray(n, dtype=float) ** -c


def test_errors_without_noise_give_their_own_law():
    exact = [
        Evidence(np.array([1 - e - 1e-4, 1 - e + 1e-4]), np.tile([1e-6, -1e-6], (2, 1)))
        for e in law_of(SIZES, 0.05, 1.2, 0.4)
    ]
    law = fitted_law(SIZES, exact, best=1.0)
    assert law is not None
    for size in (200, 3000, 12000):
        assert law.error(size) == pytest.approx(law_of(size, 0.05, 1.2, 0.4), rel=0.03)


def test_the_examples_that_a_score_takes_are_found_with_an_interval_around_them():
    law = fitted_law(SIZES, evidences(law_of(SIZES)), best=1.0)
    assert law is not None
    found = law.nearest_reach(factor=100)
    assert found is not None
    assert found.error * 100 == pytest.approx(round(found.error * 100))  # A round score.
    needed = (found.error / 0.9) ** (-1 / 0.25)
    assert found.low < needed < found.high < MOST_SPREAD * found.low
    assert max(SIZES) < found.examples <= FARTHEST * max(SIZES)


def test_what_is_further_than_four_times_the_largest_size_is_not_told():
    law = fitted_law(SIZES, evidences(law_of(SIZES)), best=1.0)
    assert law is not None
    assert law.reach(float(law_of(5 * 3000))) is None
    assert law.reach(float(law_of(2 * 3000))) is not None


def test_what_has_been_reached_is_not_told():
    law = fitted_law(SIZES, evidences(law_of(SIZES)), best=1.0)
    assert law is not None
    assert law.reach(float(law_of(1000))) is None


def test_where_seeds_differ_much_nothing_is_told():
    law = fitted_law(SIZES, evidences(law_of(SIZES), seeds=3, spread=0.2), best=1.0)
    assert law is None or law.nearest_reach(factor=100) is None


def test_errors_that_rise_or_jump_have_no_law():
    assert fitted_law(SIZES, evidences([0.1, 0.12, 0.14, 0.16]), best=1.0) is None
    assert fitted_law(SIZES, evidences([0.5, 0.5, 0.5, 0.1]), best=1.0) is None


def test_three_sizes_or_one_seed_have_no_law():
    assert fitted_law(SIZES[:3], evidences(law_of(SIZES[:3])), best=1.0) is None
    assert fitted_law(SIZES, evidences(law_of(SIZES), seeds=1), best=1.0) is None


def test_a_law_that_levels_off_says_that_no_number_is_enough():
    law = fitted_law((*SIZES, 9000, 27000), evidences(law_of((*SIZES, 9000, 27000), 0.1, 5, 0.9)), best=1.0)
    assert law is not None
    assert law.reach(0.05) is None
    assert law.nearest_reach(factor=100) is None or law.nearest_reach(factor=100).error > 0.1
    assert law.parameters[0] == pytest.approx(0.1, abs=0.02)

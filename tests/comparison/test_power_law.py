"""The power law of errors by training size: what it says where it fits, and that it is silent where it does not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.stats import chi2

from harness.comparison.power_law import FARTHEST, MOST_SPREAD, PowerLaw, fitted_law
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


def law(*, largest=1000.0, a=0.0, b=1020.0, spread=20):
    """Of errors a + b / n: without a, b examples bring the error down to 1; its 40 draws lie around."""
    draws = b + np.linspace(-spread, spread, 40)
    columns = (np.array([[a, one, 1.0] for one in each]) for each in ([b], draws))
    return PowerLaw(largest, next(columns)[0], next(columns))


def test_a_reach_is_told_with_the_interval_of_its_draws():
    found = law(b=2000.0, spread=390).reach(1.0)
    # Of 40 draws, 20 apart, the interval leaves out the largest.
    assert (found.examples, found.low, found.high) == pytest.approx((2000, 1610, 2370))
    assert law(b=2000.0).reach(0.0) is None


@pytest.mark.parametrize(
    ("b", "spread", "told"), [(990, 5, False), (1010, 5, True), (3990, 5, True), (4010, 5, False), (2000, 1300, False)]
)
def test_it_is_told_of_more_examples_than_there_were_up_to_four_times_as_many(b, spread, told):
    assert (law(b=b, spread=spread).reach(1.0) is not None) == told


def test_the_farthest_of_the_roundest_errors_is_told():
    assert law(b=12_000).error(1000) == 12
    assert law(b=12_000).nearest_reach().error == 5  # Between 12 and 3; 10 is as round, and nearer.
    assert law(b=1000).nearest_reach(factor=100).error == 0.5  # 50 between 100 and 25.
    assert law(b=300).nearest_reach(factor=100).error == 0.2  # 20 between 30 and 7.5.
    assert law(b=12_000, spread=11_000).nearest_reach() is None
    levels_off = law(a=0.61 - 0.7 / 3, b=700 / 3, spread=1)  # From 0.61 to 0.435.
    assert [levels_off.nearest_reach(factor=factor).error for factor in (1, 100)] == pytest.approx([0.6, 0.6])


FIVE, TWO = (-1.0, -1.0, 0.0, 1.0, 1.0), (-(0.5**0.5), 0.5**0.5)  # Seeds with a variance of 1.


def steady(errors, *, relative=0.05, seeds=FIVE):
    """Seeds so far apart relative to each error; the test examples add next to nothing."""
    spread, moved = relative * np.array(seeds), np.tile([1e-9, -1e-9], (len(seeds), 1))
    return [Evidence(1 - error * (1 + spread), moved) for error in errors]


@pytest.mark.parametrize(("zigzag", "fits"), [(0.076, True), (0.09, False)])
def test_a_law_is_one_that_chance_alone_would_miss_by_as_much_in_five_percent(zigzag, fits):
    errors = law_of(SIZES, 0.05, 1.2, 0.4) * (1 + zigzag * np.array([1, -1, 1, -1]))
    # A seed's variance is that of the five; the draw of training examples adds twice as much (`SAMPLING`).
    noise = 0.05 * errors * np.sqrt(1 / 5 + 2)
    best, _ = curve_fit(law_of, SIZES, errors, p0=(0.05, 1.2, 0.4), sigma=noise)
    squares = (((errors - law_of(SIZES, *best)) / noise) ** 2).sum()
    assert (chi2.sf(squares, 4 - 3) > 0.05) == fits
    assert 0.5 < squares / chi2.isf(0.05, 1) < 1.6  # Near enough to tell.
    assert (fitted_law(SIZES, steady(errors), best=1.0) is not None) == fits


@pytest.mark.parametrize(("seeds", "count", "misfit"), [(FIVE, 9, 1.4), (TWO, 6, 1.0)])
def test_draws_lie_as_far_apart_as_the_fit_is_uncertain(seeds, count, misfit):
    sizes, freedom = np.geomspace(50, 20_000, count), count * (len(seeds) - 1)
    errors = law_of(sizes, 0.05, 1.2, 0.4) * (1 + 0.03 * (misfit > 1) * np.resize([1, -1], count))
    noise = 0.02 * errors * np.sqrt(1 / len(seeds) + 2)
    best, covariance = curve_fit(law_of, sizes, errors, p0=(0.05, 1.2, 0.4), sigma=noise, absolute_sigma=True)
    squares = (((errors - law_of(sizes, *best)) / noise) ** 2).sum() / (count - 3)
    assert max(1, squares) == pytest.approx(misfit, abs=0.2)
    found = fitted_law(sizes, steady(errors, relative=0.02, seeds=seeds), best=1.0)
    assert found.largest == 20_000
    slope = np.array([1.0, 400 ** -best[2], -best[1] * 400 ** -best[2] * np.log(400)])
    # What the fit leaves stretches the noise; its scale is uncertain, too, by the seeds' degrees of freedom.
    expected = np.sqrt(slope @ covariance @ slope * max(1, squares) * freedom / (freedom - 2))
    a, b, c = found.draws.T
    assert (a + b * 400**-c).std() == pytest.approx(expected, rel=0.1)


def test_a_law_that_would_go_below_no_errors_goes_through_zero():
    errors = law_of(SIZES, -0.04, 0.9, 0.2)
    best, _ = curve_fit(lambda n, b, c: b * n**-c, SIZES, errors, p0=(0.9, 0.25), sigma=errors)
    found = fitted_law(SIZES, steady(errors), best=1.0)
    assert found.parameters[0] == 0
    assert [found.error(n) for n in SIZES] == pytest.approx(best[0] * np.array(SIZES) ** -best[1], rel=0.02)


def test_a_spread_that_single_answers_explain_is_none_of_the_seeds():
    errors = law_of(SIZES, 0.05, 1.2, 0.4) * (1 + 0.076 * np.array([1, -1, 1, -1]))
    assert fitted_law(SIZES, steady(errors), best=1.0) is not None
    answers = np.outer([1, -1, 0, 0, 0], np.resize([1.0, -1.0], 40))  # Their mean over seeds is nothing.
    explained = [Evidence(one.scores, error / 20 * answers) for one, error in zip(steady(errors), errors, strict=True)]
    assert fitted_law(SIZES, explained, best=1.0) is None


def test_examples_in_folds_make_a_law_shakier():
    answers = np.outer(np.ones(5), np.resize([1.0, -1.0], 40)) / 4000
    found = [Evidence(one.scores, answers) for one in steady(law_of(SIZES, 0.2, 3, 0.6), relative=1e-4)]
    alone, in_folds = (
        fitted_law(SIZES, [*found[:3], replace(found[3], inflation=inflation)], best=1.0).draws[:, 0].std()
        for inflation in (1.0, 4.0)
    )
    assert in_folds == pytest.approx(2 * alone, rel=0.1)  # Twice the standard error.


def test_errors_that_rise_less_than_they_vary_have_no_law():
    assert fitted_law(SIZES, steady([0.1, 0.1005, 0.101, 0.1015]), best=1.0) is None


def test_a_size_with_one_seed_leaves_no_law():
    found = steady(law_of(SIZES))
    single = Evidence(found[2].scores[:1], found[2].contributions[:1])
    assert fitted_law(SIZES, [*found[:2], single, found[3]], best=1.0) is None
    assert fitted_law(SIZES, found, best=1.0) is not None

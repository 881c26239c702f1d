from math import sqrt

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from harness.comparison.statistics import Estimate, Evidence, difference, holm, mean


def evidence(values: np.ndarray, *, deterministic: bool = False) -> Evidence:
    """Of per-example scores [seeds, examples], each example a cluster of its own."""
    scores = values.mean(axis=1)
    return Evidence(scores, (values - scores[:, None]) / values.shape[1], deterministic=deterministic)


RNG = np.random.default_rng(20)
OURS = (RNG.random((1, 150)) < 0.8).astype(float)
THEIRS = (RNG.random((1, 150)) < 0.7).astype(float)


def test_one_seed_each_gives_the_paired_t_test_of_scipy():
    expected = stats.ttest_rel(OURS[0], THEIRS[0])
    found = difference(evidence(OURS), evidence(THEIRS))
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()), rel=1e-9)
    assert not found.includes_seeds


def test_one_seed_gives_the_t_interval_of_a_mean_of_scipy():
    expected = stats.t.interval(0.95, 149, loc=OURS.mean(), scale=stats.sem(OURS[0]))
    found = mean(evidence(OURS))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9)


def test_the_components_are_those_worked_by_hand():
    # Seeds' means 3/4 and 1/4, examples' means 1/2, 1/2, 0, 1. Variances of the mean: examples (1/2)/3/4 = 1/24,
    # seeds (1/8)/2 = 1/16, residual (1/2)/3/8 = 1/48; so the seeds add 1/16 - 1/48 = 1/24, with 1 degree of freedom.
    # Student's t at 97.5 %, from any table: 3.182446 for 3 degrees of freedom, 12.706205 for 1.
    found = mean(evidence(np.array([[1.0, 1, 0, 1], [0, 0, 0, 1]])))
    assert found.value == pytest.approx(0.5)
    assert found.standard_error == pytest.approx(sqrt(1 / 12))
    assert found.half_width == pytest.approx(sqrt((3.182446**2 + 12.706205**2) / 24), rel=1e-6)
    assert found.includes_seeds


def test_two_models_seeds_have_the_degrees_of_freedom_of_welch():
    # Every example agrees within a seed, so the seeds are all there is: Welch's t test of scipy.
    ours, theirs = np.array([0.9, 0.7, 0.8, 0.85]), np.array([0.6, 0.75, 0.5])
    found = difference(*(Evidence(scores, np.zeros((len(scores), 50))) for scores in (ours, theirs)))
    expected = stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()), rel=1e-6)


def test_the_interval_touches_zero_where_p_is_five_percent():
    ours = evidence(np.array([[1.0, 1, 0, 1, 1, 1, 0], [0, 1, 0, 1, 1, 0, 0]]))
    theirs = evidence(np.array([[0.0, 1, 0, 1, 0, 0, 1], [0, 0, 0, 1, 1, 1, 1]]))
    found = difference(ours, theirs)
    assert found.low is not None
    shifted = Evidence(ours.scores - found.low, ours.contributions)
    assert difference(shifted, theirs).p_value == pytest.approx(0.05, rel=1e-6)


def test_a_residual_larger_than_the_seeds_variance_leaves_the_examples_part_alone():
    # Both seeds score 1/2, so the seeds' variance is 0 and no component may fall below it.
    values = np.array([[1.0, 0, 1, 0], [1, 1, 0, 0]])
    assert mean(evidence(values)).standard_error == pytest.approx(stats.sem(values.mean(axis=0)))


def test_seeds_that_differ_widen_the_interval():
    steady = np.tile(OURS, (3, 1))
    shaken = steady.copy()
    shaken[0, :30] = 0
    assert mean(evidence(shaken)).standard_error > 1.5 * mean(evidence(steady)).standard_error


def test_examples_copied_within_a_group_tell_nothing_new():
    grouped = Evidence(OURS.mean(axis=1), (OURS - OURS.mean()) / 150)
    copied = np.repeat(OURS, 2, axis=1)
    contributions = (copied - copied.mean()).reshape(1, 150, 2).sum(axis=2) / 300
    found = mean(Evidence(copied.mean(axis=1), contributions))
    assert found.standard_error == pytest.approx(mean(grouped).standard_error)
    assert mean(evidence(copied)).standard_error < 0.75 * found.standard_error


def test_a_floor_needs_no_second_seed():
    assert mean(evidence(OURS, deterministic=True)).includes_seeds
    assert difference(evidence(np.tile(OURS, (2, 1))), evidence(THEIRS, deterministic=True)).includes_seeds


def test_identical_predictions_differ_by_nothing_for_sure():
    found = difference(evidence(OURS), evidence(OURS))
    assert (found.value, found.half_width, found.p_value) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "found", [mean(evidence(np.ones((3, 5)))), difference(evidence(np.ones((1, 5))), evidence(np.zeros((1, 5))))]
)
def test_without_any_spread_there_is_no_interval(found: Estimate):
    assert found.half_width is None
    assert found.low is None
    assert found.p_value is None


def test_a_single_example_has_no_interval():
    assert mean(evidence(np.ones((2, 1)))).half_width is None


def test_models_tested_on_different_numbers_of_examples_are_not_paired():
    with pytest.raises(ValueError, match="same test examples"):
        difference(evidence(OURS), evidence(THEIRS[:, :100]))


def test_adjusted_p_values_are_those_of_holm():
    # Holm 1979: the smallest times 3, the next times 2, the largest as it is, never falling.
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    values = np.random.default_rng(1).random(12) ** 3
    assert holm(list(values)) == pytest.approx(list(multipletests(values, method="holm")[1]))

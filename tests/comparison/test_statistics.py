from math import sqrt

import numpy as np
import pytest
from made_evidence import evidence
from scipy import optimize, stats

from harness.comparison.p_values import SMALLEST_P, Parts, p_values
from harness.comparison.statistics import Estimate, Evidence, Part, difference, mean
from harness.comparison.typical_seeds import typical_seeds


def half_width(found: Estimate) -> float:
    assert found.low is not None
    assert found.high is not None
    return (found.high - found.low) / 2


RNG = np.random.default_rng(20)
OURS = (RNG.random((1, 150)) < 0.8).astype(float)
THEIRS = (RNG.random((1, 150)) < 0.7).astype(float)


def test_one_run_each_without_chance_gives_the_paired_t_test_of_scipy():
    expected = stats.ttest_rel(OURS[0], THEIRS[0])
    found = difference(evidence(OURS, deterministic=True), evidence(THEIRS, deterministic=True))
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()), rel=1e-9)
    assert found.includes_seeds


def test_p_values_are_students_down_to_the_smallest_that_mean_anything():
    for p in (0.3, 1e-12, 4e-30):
        distance = stats.t.isf(p / 2, 40)
        found = p_values(np.array([distance]), [Parts(np.array([1.0]), np.array([40.0]))])
        assert found == pytest.approx([p], rel=1e-5, abs=0)
    assert p_values(np.array([1e9, 0.0]), [Parts(np.ones(2), np.full(2, 40.0))]).tolist() == [SMALLEST_P, 1.0]


def test_a_p_value_is_found_by_halving_where_newtons_method_would_leave_the_bracket():
    variances, freedoms, distance = (21608176.0, 0.0473), (5.8, 0.1176), 12409859.6

    def excess(log_p):
        squares = [v * stats.t.isf(np.exp(log_p) / 2, f) ** 2 for v, f in zip(variances, freedoms, strict=True)]
        return np.log(sum(squares) / distance**2)

    parts = [Parts(np.array([v]), np.array([f])) for v, f in zip(variances, freedoms, strict=True)]
    expected = np.exp(optimize.brentq(excess, np.log(SMALLEST_P), -1e-9))
    assert p_values(np.array([distance]), parts) == pytest.approx([expected], rel=1e-5, abs=0)


def test_of_a_single_seed_nothing_is_claimed():
    found = difference(evidence(OURS), evidence(np.tile(THEIRS, (3, 1))))
    assert found.p_value is None
    assert found.low is not None
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
    assert half_width(found) == pytest.approx(sqrt((3.182446**2 + 12.706205**2) / 24), rel=1e-6)
    assert (found.p_value, found.includes_seeds, found.includes_examples) == (None, True, True)


def test_an_interval_inside_a_range_has_the_seeds_part_as_one_without():
    # The components are those worked by hand; of scores from 0 upwards the half width is that of the logarithm.
    values = np.array([[1.0, 1, 0, 1], [0, 0, 0, 1]])
    found = mean(evidence(values), least=0.0)
    factor = np.exp(2 * half_width(mean(evidence(values))))
    assert (found.low, found.high) == (pytest.approx(0.5 / factor), pytest.approx(0.5 * factor))


def test_the_mean_over_seeds_as_one_run_has_the_paired_interval_of_scipy():
    rng = np.random.default_rng(3)
    ours, theirs = rng.random((2, 30)), rng.random((3, 30))
    averaged = [evidence(one).averaged for one in (ours, theirs)]
    found, expected = difference(*averaged), stats.ttest_rel(ours.mean(axis=0), theirs.mean(axis=0))
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()), rel=1e-9)
    assert [one.scores.shape for one in averaged] == [(1,), (1,)]
    assert not any(one.knows_seeds for one in averaged)


def test_the_p_value_of_another_null_is_that_of_a_difference_that_lies_so_far_off():
    ours, theirs = (evidence(np.tile(one, (2, 1))) for one in (OURS, THEIRS))
    shifted = difference(Evidence(ours.scores - 0.03, ours.contributions), theirs)
    assert difference(ours, theirs, null=0.03).p_value == pytest.approx(shifted.p_value)


def test_of_examples_of_which_nothing_is_known_the_seeds_alone_have_an_interval():
    scores = np.array([0.5, 0.6, 0.8])
    expected = stats.t.interval(0.95, 2, loc=scores.mean(), scale=stats.sem(scores))
    for clusters in (0, 1):
        found = mean(Evidence(scores, np.zeros((3, clusters))))
        assert (found.low, found.high) == pytest.approx(expected)
        within = mean(Evidence(scores, np.zeros((3, clusters))), least=0.0, most=1.0)
        assert (within.low, within.high) == pytest.approx((expected[0], 1.0))
        assert expected[1] > 1
        assert (found.p_value, found.includes_seeds, found.includes_examples) == (None, True, False)


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


def test_a_simple_baseline_needs_no_second_seed():
    assert mean(evidence(OURS, deterministic=True)).includes_seeds
    assert difference(evidence(np.tile(OURS, (2, 1))), evidence(THEIRS, deterministic=True)).includes_seeds


def test_identical_predictions_differ_by_nothing_for_sure():
    found = difference(evidence(np.tile(OURS, (2, 1))), evidence(np.tile(OURS, (2, 1))))
    assert (found.value, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_without_any_spread_a_mean_has_no_interval():
    found = mean(evidence(np.ones((3, 5))))
    assert (found.low, found.p_value) == (None, None)


def test_a_difference_without_any_spread_is_tested_by_its_sign():
    found = difference(evidence(np.ones((3, 5))), evidence(np.zeros((3, 5))))
    assert found.low is None
    assert found.p_value == 2 / 2**5  # as of five coins that all show the same side
    assert difference(evidence(np.ones((3, 2))), evidence(np.zeros((3, 2)))).p_value == 2 / 2**2
    assert difference(evidence(np.ones((3, 5))), evidence(np.zeros((3, 5))), null=1.0).p_value == 1.0
    assert difference(evidence(np.ones((3, 2000))), evidence(np.zeros((3, 2000)))).p_value == SMALLEST_P
    assert difference(evidence(np.ones((1, 5))), evidence(np.zeros((3, 5)))).p_value is None


def test_unequal_clusters_are_weighed_by_their_leverage():
    # Shares 1/2, 1/4, 1/4; the sum of squares is 3/8, so leverages 1/(3/8), 1/(7/8), 1/(7/8), and 5/3 - 0 degrees.
    shares = np.array([0.5, 0.25, 0.25])
    parts = np.array([[0.1, -0.06, -0.04]])
    found = mean(Evidence(np.array([0.7]), parts, shares=shares))
    variance = 0.1**2 * 8 / 3 + (0.06**2 + 0.04**2) * 8 / 7
    assert found.standard_error == pytest.approx(sqrt(variance))
    assert half_width(found) == pytest.approx(sqrt(variance) * stats.t.ppf(0.975, 8 / 3 - 1))
    assert not found.includes_seeds


def test_equal_shares_are_as_none():
    ours = evidence(np.tile(OURS, (2, 1)))
    shared = Evidence(ours.scores, ours.contributions, shares=np.full(150, 1 / 150))
    assert mean(shared).low == pytest.approx(mean(ours).low)


def test_a_cluster_that_is_nearly_everything_leaves_no_interval():
    found = mean(Evidence(np.array([0.5]), np.array([[0.1, -0.1]]), shares=np.array([0.98, 0.02])))
    assert (found.low, found.p_value) == (None, None)


def test_the_seeds_of_all_models_widen_what_two_steady_models_promise():
    rng = np.random.default_rng(5)
    draws = [(rng.random((3, 200)) < share).astype(float) for share in (0.80, 0.79, 0.6, 0.9)]
    models = [evidence(one) for one in draws]
    scattered = [Evidence(one.scores + np.array([-0.1, 0, 0.1]), one.contributions) for one in models[2:]]
    typical = typical_seeds([*models[:2], *scattered])
    assert typical is not None
    alone = difference(*models[:2]).p_value
    assert difference(*models[:2], typical=typical).p_value > alone
    assert difference(*models[:2], typical=Part(1e-9, 8.0)).p_value == pytest.approx(alone, rel=1e-3)


def test_the_typical_variance_of_seeds_is_that_of_the_median_model():
    # Every example agrees within a seed, so there is no residual: variances 0.01, 0.04 and 9 (one model is shaky); the
    # median of chi-squared with two degrees of freedom is 2 ln 2.
    models = [Evidence(np.array([0.5 - d, 0.5, 0.5 + d]), np.zeros((3, 9))) for d in (0.1, 0.2, 3.0)]
    assert typical_seeds(models) == Part(pytest.approx(0.04 / np.log(2)), pytest.approx(0.6 * 6))
    silent = Evidence(np.array([0.1, 0.5, 0.9]), np.zeros((3, 0)))
    assert typical_seeds([evidence(OURS), *models, silent, silent, silent]) == typical_seeds(models)
    assert typical_seeds([*models[:2], evidence(OURS), silent]) is None
    same = Evidence(np.array([0.5, 0.5]), np.zeros((2, 9)))
    assert typical_seeds([same, same, same]) is None


def test_the_residual_is_taken_off_the_typical_variance_of_seeds():
    # Worked by hand above: the seeds' variance is 1/8, of which 2/48 is the residual of the mean of two.
    model = evidence(np.array([[1.0, 1, 0, 1], [0, 0, 0, 1]]))
    median = stats.chi2.median(1)
    assert typical_seeds([model] * 3) == Part(pytest.approx(1 / 8 / median - 2 / 48), pytest.approx(0.6 * 3))


def test_a_single_example_has_no_interval():
    assert mean(evidence(np.ones((2, 1)))).low is None


def test_models_tested_on_different_numbers_of_examples_are_not_paired():
    with pytest.raises(ValueError, match="same test examples"):
        difference(evidence(OURS), evidence(THEIRS[:, :100]))

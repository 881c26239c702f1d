"""Scores of some of the test examples, and ratios over them, of answers that are made by hand."""

import numpy as np
import pyarrow
import pytest

from harness.comparison.statistics import SHARED_TRAINING
from harness.comparison.subsets import Answers, _evidence, evidence_of, ratio_of, score_of
from harness.metrics.lookup import find_metric
from harness.metrics.metric import PERCENT

ACCURACY = find_metric("accuracy")


def answers(*predicted, groups=None, **changes):
    """What seeds answered to four examples of the labels a, b, a and b."""
    rows = {"reference": list("abab"), "group": groups or [""] * 4}
    return Answers(tuple(pyarrow.table({**rows, "prediction": list(one)}) for one in predicted), ("a", "b"), **changes)


def test_a_score_is_of_the_examples_that_are_asked_for():
    found = answers("abaa", "abbb")
    assert score_of(found, ACCURACY).value == 0.75
    assert score_of(found, ACCURACY, np.array([False, False, True, True])).value == 0.5
    assert score_of(found, ACCURACY, np.zeros(4, dtype=bool)) is None
    assert score_of(found, find_metric("evaluate:x")) is None


def test_the_evidence_is_of_clusters_and_of_how_seeds_were_trained():
    found = evidence_of(answers("abaa", "abbb", groups=["g", "g", "", "h"]), ACCURACY)
    # Right by 1/4 or wrong by 3/4, a fourth each; g holds two that are right.
    assert found.contributions == pytest.approx(np.array([[2, -3, 1], [2, 1, -3]]) / 16)
    assert list(found.shares) == [0.5, 0.25, 0.25]
    assert (found.deterministic, found.inflation) == (False, 1.0)
    found = evidence_of(answers("abaa", is_deterministic=True, has_folds=True), ACCURACY)
    assert (found.deterministic, found.inflation) == (True, SHARED_TRAINING)


def test_of_mixed_runs_no_mean_has_an_interval():
    assert score_of(answers("abaa", "aaaa"), ACCURACY).low is not None
    assert score_of(answers("abaa", "aaaa", is_mixed=True), ACCURACY).low is None


def test_a_ratio_is_of_the_examples_that_have_a_part_in_it():
    above, below = np.array([[1.0, 0, 0, 0]]), np.array([[1.0, 1, 0, 0]])
    found = ratio_of(answers("abaa"), above, below, PERCENT)
    # The mean of 1 and 0: each moves it by 1/4, and two of them have the leverage 1 / (1 - 1/2).
    assert (found.value, found.standard_error) == (0.5, pytest.approx(0.5))
    single = ratio_of(answers("abaa"), above, above, PERCENT)
    assert (single.value, single.includes_examples) == (1.0, False)
    assert ratio_of(answers("abaa", "abbb"), np.vstack([above, above]), np.vstack([below, 0 * below]), PERCENT) is None


def test_what_is_no_number_is_no_evidence():
    found, none = answers("abaa"), np.array([[0.1, -0.1]])
    shares = np.array([0.5, 0.5])
    assert _evidence(found, np.array([0.5]), none, shares) is not None
    assert _evidence(found, np.array([np.nan]), none, shares) is None
    assert _evidence(found, np.array([0.5]), none * np.inf, shares) is None

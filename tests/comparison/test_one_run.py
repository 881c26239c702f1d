"""The scores of one run with their intervals, as they are told where it ends."""

import pytest
from synthetic_runs import predictions, record

from harness.comparison.one_run import score_estimates, score_intervals
from harness.comparison.rescoring import rescore
from harness.comparison.statistics import SHARED_TRAINING, Evidence, mean
from harness.fold import Fold
from harness.record import write_predictions


def run(**changes):
    """A run with three scores, of which one is not computed here, and one says nothing of such a model."""
    return record(scores={"test": {"accuracy": 0.5, "evaluate:x": 0.5, "bits_per_byte": 1.0}}, **changes)


@pytest.fixture
def folder(tmp_path):
    predicted = ["negative", "negative", "positive"] * 10
    write_predictions(predictions(["negative", "positive", "positive"] * 10, predicted), tmp_path)
    return tmp_path


@pytest.mark.parametrize(("fold", "inflation"), [(None, 1.0), (Fold(number=1, of=5), SHARED_TRAINING)])
def test_each_score_that_is_computed_here_has_its_interval_for_other_examples(folder, fold, inflation):
    found = rescore(folder, ("negative", "positive"), "accuracy")
    evidence = Evidence(found.contributions[:1] * 0 + found.score, found.contributions[None], inflation=inflation)
    expected = mean(evidence, least=0.0, most=1.0)
    assert score_estimates(folder, run(fold=fold)) == {"accuracy": expected}
    assert score_intervals(folder, run(fold=fold)) == {"accuracy": (expected.low, expected.high)}


def test_of_a_single_example_and_of_an_untested_run_nothing_is_told(tmp_path):
    write_predictions(predictions(["negative"], ["negative"]), tmp_path)
    assert score_estimates(tmp_path, run()) == {}
    assert score_intervals(tmp_path, record(scores={})) == {}

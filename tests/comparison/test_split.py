"""What a test split is like, of tables that are made by hand."""

from math import inf, nan
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest

from harness.comparison.split import described
from harness.metrics.lookup import find_metric


def split(
    references, *, groups=None, clusters=None, metric="accuracy", answers=None, score=0.5, labels=("x", "y", "z")
):
    """The split of these references; `answers`: the best ones that tell no example from another, with their score."""

    def scored(table):
        assert table["prediction"].to_pylist() == answers
        assert table["reference"].to_pylist() == references
        return score

    table = pyarrow.table(
        {
            "prediction": pyarrow.array(["?"] * len(references), pyarrow.string()),
            "group": pyarrow.array(groups or [""] * len(references), pyarrow.string()),
            "reference": pyarrow.array(references, pyarrow.string()),
        }
    )
    task_type = SimpleNamespace(
        constant_answers=lambda found: answers if found == references else pytest.fail("others")
    )
    places = np.arange(len(references)) if clusters is None else np.array(clusters)
    return described(table, places, find_metric(metric), labels, task_type, scored)


def test_examples_count_as_groups_and_those_without_one_are_told_where_others_have_one():
    found = split(["x", "y", "x"], groups=["a", "a", ""], clusters=[0, 0, 1])
    # Shares of 2/3 and 1/3 are worth 1 / (4/9 + 1/9) groups of one size.
    assert (found.examples, found.clusters, found.effective_clusters) == (3, 2, pytest.approx(9 / 5))
    assert found.ungrouped == 1
    assert split(["x", "y", "x"], groups=["a", None, ""]).ungrouped == 2
    assert split(["x", "y", "x"], groups=["a", "b", "b"]).ungrouped == 0
    assert split(["x", "y", "x"], groups=[None, "", ""]).ungrouped == 0


def test_labels_are_counted_where_the_metric_weighs_them_alike():
    assert split(["x", "y", "x"], metric="macro_f1").label_counts == {"x": 2, "y": 1}
    assert split(["x", "y", "x"]).label_counts == {}


@pytest.mark.parametrize(
    ("references", "metric", "score", "constant"),
    [
        ("xyx", "accuracy", 0.75, 0.75),
        ("xyx", "accuracy", 1.0, None),  # None could be better.
        ("xyx", "accuracy", 0.0, 0.0),
        ("xyx", "mean_squared_error", 1.0, 1.0),
        ("xyx", "mean_squared_error", 0.0, None),
        ("xyx", "accuracy", nan, None),
        ("xyx", "mean_squared_error", inf, None),
        ("xxx", "accuracy", 0.75, None),
        ("x", "accuracy", 0.75, None),
    ],
)
def test_the_best_constant_answers_score_where_they_could_be_better(references, metric, score, constant):
    found = split(list(references), metric=metric, answers=["y"] * len(references), score=score)
    assert found.constant_score == constant


def test_a_task_type_without_constant_answers_has_no_score_of_them():
    assert split(["x", "y"], answers=None).constant_score is None

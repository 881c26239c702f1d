"""Scores on the test examples that repeat no training example, where such rows were kept."""

import numpy as np
import pyarrow
import pytest
from synthetic_runs import LABELS, predictions, record, save

from harness.comparison.clean import clean_rows, clean_score, order_said, orders, repeats_in
from harness.comparison.comparison import compare
from harness.comparison.statistics import Evidence, mean
from harness.data.splitting import REPEATS_TRAINING
from harness.metrics.metric import PERCENT
from harness.registry import FORMATS
from harness.reporting import tables


def add(runs, model, right, repeats):
    """Runs whose answers to 40 examples are right where `right` says; the first `repeats` examples repeat, if known."""
    references = [LABELS[place % 2] for place in range(40)]
    for seed in range(2):
        answers = [one if right(place) else LABELS[one == LABELS[0]] for place, one in enumerate(references)]
        rows = predictions(references, answers)
        marks = [{} if repeats is None else {REPEATS_TRAINING: place < repeats} for place in range(40)]
        told = [{**row, **mark} for row, mark in zip(rows, marks, strict=True)]
        score = sum(map(right, range(40))) / 40
        save(runs, record(model=model, seed=seed, scores={"test": {"accuracy": score}}), told)


def test_every_score_is_also_one_on_the_clean_examples_and_a_changed_order_is_told(tmp_path):
    add(tmp_path, "parrot", lambda place: place < 30, repeats=16)  # 30 of 40, and 14 of the 24 clean ones
    add(tmp_path, "reader", lambda place: place >= 12, repeats=16)  # 28 of 40, and all 24 clean ones
    found = compare(tmp_path)
    (task,) = found.tasks
    clean = {cell.model: cell.clean for cell in task.cells}
    assert (clean["parrot"].examples, clean["reader"].examples) == (24, 24)
    assert clean["parrot"].estimate.value == pytest.approx(14 / 24)
    assert clean["reader"].estimate.value == 1.0
    said = "16 of 40 test examples nearly repeat a training example. Without them, the order of the scores is "
    assert found.warnings == (f"reviews/rotten_tomatoes: {said}reader, parrot; with them parrot, reader.",)
    assert task.doubts_of_order == ("another model is the best without the test examples that repeat training ones",)
    column = tables.details(task).headings.index("On clean examples")
    assert tables.details(task).rows[0][column].text.startswith("58.3 (")
    assert "0.58333" in FORMATS.load("csv")(found)


def test_an_order_that_stays_and_predictions_without_such_examples_are_told_apart(tmp_path):
    add(tmp_path / "some", "parrot", lambda place: place < 30, repeats=4)
    add(tmp_path / "some", "scholar", lambda place: place < 36, repeats=4)
    found = compare(tmp_path / "some")
    assert found.warnings[0].endswith("Without them, the order of scholar, parrot stays the same.")
    assert found.tasks[0].doubts_of_order == ()
    add(tmp_path / "some", "earlier", lambda place: place < 20, repeats=None)
    (line,) = compare(tmp_path / "some").warnings
    assert line.endswith("order of scholar, parrot stays the same. Scores without them are not known for earlier.")
    add(tmp_path / "all", "parrot", lambda place: place < 30, repeats=40)
    (line,) = compare(tmp_path / "all").warnings
    assert line.endswith("all 40 test examples nearly repeat a training example, so no clean one is left to score.")
    add(tmp_path / "none", "parrot", lambda place: place < 30, repeats=0)
    found = compare(tmp_path / "none")
    assert found.warnings == ()
    assert "On clean examples" not in tables.details(found.tasks[0]).headings


def rows(*repeats):
    return pyarrow.table({"id": list("abc"[: len(repeats)]), REPEATS_TRAINING: pyarrow.array(repeats, pyarrow.bool_())})


def test_clean_are_the_rows_that_repeat_none_where_that_was_recorded_of_all_and_some_do():
    assert clean_rows(rows(True, False, False))["id"].to_pylist() == ["b", "c"]
    assert repeats_in(rows(True, False)).tolist() == [True, False]
    assert repeats_in(rows(True, None)) is None
    for none in (rows(True, True), rows(False, False), rows(True, None, False), pyarrow.table({"id": ["a"]})):
        assert clean_rows(none) is None


def test_a_clean_score_has_the_interval_that_other_scores_have_but_of_mixed_runs():
    scores = Evidence(np.array([0.4, 0.6]), np.tile([0.1, -0.1, 0.05, -0.05], (2, 1)))
    assert clean_score(None, 9, PERCENT, 0.05, is_mixed=False) is None
    found = clean_score(scores, 9, PERCENT, 0.01, is_mixed=False)
    assert (found.examples, found.estimate) == (9, mean(scores, least=0.0, most=1.0, miss=0.01))
    mixed = clean_score(scores, 9, PERCENT, 0.01, is_mixed=True).estimate
    assert (mixed.value, mixed.low, mixed.high) == (found.estimate.value, None, None)


def test_the_orders_are_of_models_with_both_scores_the_best_first():
    one, two, three = (Evidence(np.array([score]), np.zeros((1, 4))) for score in (0.1, 0.2, 0.3))
    evidence = {"a": (one, three), "b": (two, two), "c": (three, one), "d": (three, None), "e": (None, three)}
    assert orders(evidence, higher_is_better=True) == (["c", "b", "a"], ["a", "b", "c"])
    assert orders(evidence, higher_is_better=False) == (["a", "b", "c"], ["c", "b", "a"])


def test_what_is_said_of_the_order_hangs_on_how_many_models_have_both_scores():
    said = "1,200 of 5,000 test examples nearly repeat a training example."
    assert order_said(1200, 5000, ["a"], ["a"]) == said
    unknown = " Scores without them are not known for b, c."
    assert order_said(1200, 5000, ["a"], ["a"], ["b", "c"]) == said + unknown
    stays = " Without them, the order of a, b stays the same."
    assert order_said(1200, 5000, ["a", "b"], ["a", "b"], ["b", "c"]) == said + stays + unknown
    other = " Without them, the order of the scores is b, a; with them a, b."
    assert order_said(1200, 5000, ["a", "b"], ["b", "a"]) == said + other

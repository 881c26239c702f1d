"""What makes a mean, an order or a claim doubtful, word for word, of runs that are made by hand."""

from dataclasses import replace

import pytest
from synthetic_runs import card, record

from harness.comparison.doubts import (
    differing_settings,
    doubts_of_claims,
    doubts_of_model,
    doubts_of_order,
    is_flipped,
    shortfalls,
)
from harness.comparison.results import Run
from harness.comparison.split import Split
from harness.record import Provenance


def run(seed, score=0.9, data="sha256:d1", **changes):
    return Run(record=record(seed=seed, provenance=Provenance(data_digest=data)), score=score, **changes)


def config(seed, **training):
    return record(seed=seed, config={"seed": seed, "training": training})


def test_runs_that_went_wrong_are_counted_among_those_that_were_planned():
    runs = [
        run(0, is_collapsed=True),
        run(1),
        *(run(seed, None, trouble_in_short=word) for seed, word in ((2, "failed"), (3, "diverged"), (4, "failed"))),
        run(5, None, trouble_in_short="no words", is_not_applicable=True),
    ]
    assert list(shortfalls(runs, (6, 7))) == [
        "1 of 8 collapsed", "1 of 8 diverged", "2 of 8 failed", "2 of 8 not run"
    ]  # fmt: skip
    assert list(shortfalls(runs[1:2], ())) == []
    assert list(shortfalls([], (0, 1))) == []


def test_folds_that_collapsed_are_counted_in_runs_that_did_not():
    folds = tuple(run(0, is_collapsed=number < 2) for number in range(5))
    whole = run(0, folds=folds)
    assert list(shortfalls([whole, run(1, folds=folds[2:])], ())) == ["2 of 8 folds collapsed"]
    assert list(shortfalls([replace(whole, is_collapsed=True)], ())) == ["1 of 1 collapsed"]
    assert list(shortfalls([replace(whole, score=None, trouble_in_short="incomplete")], ())) == ["1 of 1 incomplete"]


def test_a_model_is_doubtful_for_its_settings_its_data_and_a_seed_that_is_there_twice():
    assert doubts_of_model([run(0), run(1)], (), has_other_settings=False) == ()
    assert doubts_of_model([run(2), run(1), run(2), run(1, data="d2")], (3,), has_other_settings=True) == (
        "1 of 5 not run", "seeds with different settings", "seeds on different data", "seed 1 twice", "seed 2 twice",
    )  # fmt: skip
    assert doubts_of_model([run(0), run(1, data="")], (), has_other_settings=False) == ()  # Not recorded.


def test_settings_that_differ_from_the_first_run_are_told_but_for_what_tells_runs_apart():
    first, same, other, third = config(0, epochs=3.0), config(1, epochs=3.0), config(2, epochs=1.0), config(3)
    assert list(differing_settings([first, same])) == []
    assert list(differing_settings([])) == []
    assert list(differing_settings([first, other, same, third])) == [
        "seeds 0 and 2 ran with different settings (training.epochs: first 3.0, then 1.0).",
        "seeds 0 and 3 ran with different settings (training.epochs: first 3.0, then None).",
    ]


@pytest.mark.parametrize(
    ("changes", "doubts"),
    [
        ({}, ()),
        ({"test_sets": "ab"}, ("not all models were tested on the same examples",)),
        ({"units": "ab"}, ("not all models have the same tokens",)),
        (
            {"unknown_labels": "bab"},
            ("predictions of labels a, b, which no test example has, lower the average",),
        ),
        ({"is_flipped": True}, ("the records disagree on which way the metric points",)),
        (
            {"hangs_on_repeats": True},
            ("another model is the best without the test examples that repeat training ones",),
        ),
    ],
)
def test_an_order_is_doubtful_for_what_models_do_not_share(changes, doubts):
    alike = {"test_sets": "aa", "units": "aa", "unknown_labels": "", "is_flipped": False, "hangs_on_repeats": False}
    assert doubts_of_order(**{**alike, **changes}) == doubts


def test_claims_are_doubtful_for_what_the_test_split_is_like_and_for_other_data():
    few, ungrouped = Split(9, 9, 9.0), Split(40, 30, 20.0, ungrouped=5)
    one, other = [run(0).record], [run(0, data="d2").record]
    assert doubts_of_claims([few, few, ungrouped, few], [one, one]) == (
        "only 9 test examples", "5 of 40 test examples are in no group and count as independent",
    )  # fmt: skip
    assert doubts_of_claims([], [one, other]) == ("the models did not read the same data",)
    assert doubts_of_claims([], [one, [*one, *other]]) == ()  # Which is told of the model whose seeds differ.
    assert doubts_of_claims([], [one, [run(0, data="").record]]) == ()


@pytest.mark.parametrize(
    ("split", "doubts"),
    [
        (Split(10, 10, 10.0), ()),
        (Split(1, 1, 1.0), ("only 1 test example",)),
        (Split(100, 9, 9.0), ("only 9 groups of test examples",)),
        (Split(100, 1, 1.0), ("only 1 group of test examples",)),
        (Split(100, 30, 7.6), ("only 30 groups of test examples of unequal size, worth 8",)),
        (Split(100, 3, 1.2), ("only 3 groups of test examples of unequal size, worth 1",)),
        (Split(100, 0, 0.0), ()),
        (
            Split(50, 50, 50.0, label_counts={"d": 4, "a": 5, "b": 0, "c": 1}),
            ("fewer than 5 test examples of labels c, d",),
        ),
        (
            Split(50, 50, 50.0, label_counts=dict.fromkeys("abcd", 1)),
            ("fewer than 5 test examples of labels a, b, c and 1 more",),
        ),
        (
            Split(50, 50, 50.0, label_counts=dict.fromkeys("abc", 1)),
            ("fewer than 5 test examples of labels a, b, c",),
        ),
        (Split(50, 50, 50.0, label_counts={"a": 4}), ("fewer than 5 test examples of label a",)),
    ],
)
def test_a_split_is_doubtful_with_few_examples_groups_or_examples_of_a_label(split, doubts):
    assert split.doubts == doubts


def test_a_record_is_flipped_by_its_own_main_metric_alone():
    def of(metric, *, higher):
        return record(task_card=card(metric, higher_is_better=higher))

    assert is_flipped(of("accuracy", higher=False), card("accuracy"))
    assert not is_flipped(of("accuracy", higher=True), card("accuracy"))
    assert not is_flipped(of("perplexity", higher=False), card("accuracy"))

"""The sentences about a margin, word for word, of comparisons that are made by hand."""

from dataclasses import replace

import pytest
from made_comparisons import cell, estimate, lead, task

from harness.comparison.conclusions_margin import about_margin, margin_reading
from harness.comparison.costs import Cost
from harness.comparison.effects import Within
from harness.config.margin import Margin

ONE = Margin(1.0, 0.01)
COST = Cost(
    train_seconds=100.0, train_tokens_per_second=None, peak_memory_bytes=None, parameters=None, training_flops=None
)


def timed(model, score, seconds, **changes):
    return cell(model, estimate(score), cost=replace(COST, train_seconds=seconds), **changes)


A = timed("a", 0.90, 100.0, is_near_best=True)
B = timed("b", 0.89, 20.0, is_near_best=True)
C = timed("c", 0.50, 50.0, is_near_best=False, beaten_by=("a",))


def said(*cells, margin=ONE, **changes):
    return list(about_margin(task(*cells, margin=margin, **changes)))


def within(against, not_worse, not_better, **changes):
    return replace(lead(against, -0.001, 0.6), within=Within(not_worse_p=not_worse, not_better_p=not_better), **changes)


def test_without_a_margin_or_without_a_test_of_it_nothing_is_said():
    assert said(A, B, C, margin=None) == []
    assert said(*(replace(one, is_near_best=None) for one in (A, B, C))) == []


def test_points_say_nothing_of_a_metric_that_is_shown_in_none():
    (line,) = said(A, B, margin=Margin(2.0, None), metric="mean_squared_error", higher_is_better=False)
    assert line == (
        "The margin of 2 points does not apply to mean squared error, which is not shown in points: give the task its "
        "own, margin = { t = … }."
    )
    (line,) = said(A, B, margin=Margin(0.5, 0.5), metric="mean_squared_error", higher_is_better=False)
    assert line.endswith("not worse than any other model by more than 0.5 in mean squared error.")


def test_models_near_the_best_are_named_with_their_share_of_its_training_time():
    assert said(A, B, C) == [
        "a and b (at 0.2 of the training time of a) are not worse than any other model by more than 1 point."
    ]
    alone = replace(A, is_near_best=False)
    assert said(alone, B, C, margin=Margin(1.5, 0.015), doubts_of_claims=("why",)) == [
        "b (at 0.2 of the training time of a) is not worse than any other model by more than 1.5 points "
        "(doubtful: why)."
    ]


def test_where_only_the_best_is_near_the_best_that_is_said_of_the_others():
    far = replace(B, is_near_best=False, beaten_by=("a",))
    assert said(A, far, C) == ["No other model is shown to be not worse than a by more than 1 point."]
    # b may be the best: "no other" would say too much of it.
    assert said(A, replace(B, is_near_best=False), C) == ["a is not worse than any other model by more than 1 point."]
    nobody = [replace(one, is_near_best=False) for one in (A, B, C)]
    assert said(*nobody) == [
        "Which models are within 1 point of the best is not shown: that takes more seeds or test examples."
    ]


def test_models_that_were_not_tested_are_set_apart_but_no_simple_baseline():
    single, simple = cell("single", estimate(0.7), seeds=1), cell("tfidf", estimate(0.6), simple=True)
    (line,) = said(A, B, single, simple)
    assert "not worse than any other model, single apart, by more than 1 point." in line


@pytest.mark.parametrize(
    ("ours", "told"),
    [(95.1, ""), (94.9, " (at 0.95 of the training time of a)"), (104.9, ""), (None, ""), (0.0, ""),
     (105.1, " (at 1.1 of the training time of a)")],
)  # fmt: skip
def test_training_times_are_told_where_they_differ_by_a_twentieth(ours, told):
    (line,) = said(A, replace(B, cost=replace(COST, train_seconds=ours)), C)
    assert line == f"a and b{told} are not worse than any other model by more than 1 point."


def test_training_times_of_two_machines_or_of_none_are_not_told():
    elsewhere = replace(B, cost=replace(B.cost, machine="another"))
    for one in (elsewhere, replace(B, cost=None)):
        assert said(A, one, C) == ["a and b are not worse than any other model by more than 1 point."]
    assert "training time" not in said(replace(A, cost=None), B, C)[0]


def test_against_the_baseline_equivalent_is_told_before_not_worse_and_of_better_models_nothing():
    equal = replace(B, from_baseline=within("a", 0.01, 0.02))
    not_worse = timed("d", 0.88, 200.0, is_near_best=True, from_baseline=within("a", 0.01, 0.2))
    better = replace(not_worse, model="e", from_baseline=replace(lead("a", 0.1, 0.01), within=Within(
        not_worse_p=0.001, not_better_p=0.9)))  # fmt: skip
    found = said(A, equal, not_worse, better, doubts_of_claims=("why",))
    assert found[1:] == [
        "b (at 0.2 of the training time) is equivalent to a within 1 point (doubtful: why).",
        "d (at 2 of the training time) is not worse than a by more than 1 point (doubtful: why).",
    ]
    worse = replace(better, from_baseline=replace(better.from_baseline, gain=-0.1))
    assert said(A, worse)[-1] == "e (at 2 of the training time) is not worse than a by more than 1 point."
    chance = replace(better, from_baseline=replace(better.from_baseline, adjusted_p=0.3))
    assert len(said(A, chance)) == 2
    assert len(said(equal, C)) == 1  # The baseline itself has no cell here.


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (None, "not tested"),
        (lead("a", 0.1, 0.2), "not tested"),
        (within("a", 0.049, 0.049), "equivalent"),
        (within("a", 0.049, 0.05), "not worse"),
        (within("a", 0.05, 0.049), "not better"),
        (within("a", 0.05, 0.05), "not shown"),
    ],
)
def test_a_difference_reads_by_what_both_tests_show(found, word):
    assert margin_reading(found) == word

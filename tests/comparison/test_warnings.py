"""What is said of a task's runs before its numbers are believed, of runs that are made by hand."""

from dataclasses import replace
from math import nan

import pytest
from made_runs import SPLIT, model_runs, rescored, run
from synthetic_runs import card

from harness.comparison.analysis import ModelRuns
from harness.comparison.warnings import orders_of, warnings_about
from harness.fold import Fold
from harness.record import Provenance

WHERE = "reviews/rotten_tomatoes"
A, B = model_runs("a", rescored(0.9), rescored(0.8)), model_runs("b", rescored(0.7))
GAP = model_runs("gap")


def said(*by_model: ModelRuns, **changes) -> list[str]:
    """The lines without their task, which each begins with."""
    lines = warnings_about(by_model, card(**changes))
    assert all(line.startswith(WHERE) for line in lines)
    return [line.removeprefix(WHERE).removeprefix(": ") for line in lines]


def test_of_runs_that_agree_nothing_is_said():
    assert said(GAP, A, B) == said(B) == []


@pytest.mark.parametrize(
    ("score", "recorded", "told"),
    [
        (0.000001, 0.0, None),
        (0.5, 0.500002, "0.500002"),
        (0.500002, 0.5, "0.500000"),
        (0.5, nan, "nan"),
        (0.5, None, None),
        (None, 0.5, None),
    ],
)
def test_a_score_that_is_not_the_recorded_one_to_a_millionth_is_told(score, recorded, told):
    found = run("a", 3, scores={"test": {"accuracy": recorded}} if recorded is not None else {"test": {}})
    other = run("a", 4)  # Of folds, each is told.
    folds = tuple(replace(found, record=found.record.model_copy(update={"fold": Fold(number=n, of=2)}), score=score)
                  for n in (1, 2))  # fmt: skip
    lines = said(replace(A, runs=(replace(found, score=score), replace(other, folds=folds))))
    line = (
        f"/a, {{}}: the predictions give accuracy {score or 0:.6f}, the record says {told}. "
        "The report shows the former."
    )
    which = ("seed 3", "seed 3, fold 1 of 2", "seed 3, fold 2 of 2")
    assert lines == ([] if told is None else [line.format(one) for one in which])


def test_what_is_wrong_with_one_model_is_told_with_its_name():
    odd = replace(
        A,
        runs=tuple(run("a", seed) for seed in (2, 0, 1, 2, 1, 1)),
        rescored_runs=(rescored(0.5), rescored(0.5, test_set="other")),
        other_settings=("seeds 0 and 1 differ.",),
        unread=(f"{WHERE}/a/seed-0/inference.json: no JSON.",),
    )
    assert said(B, odd) == [
        "/a: seeds 0 and 1 differ.",
        "/a/seed-0/inference.json: no JSON.",
        "/a: its seeds were tested on different examples, so they have no common score.",
        "/a: seed 1 appears twice. Remove a copy.",
        "/a: seed 2 appears twice. Remove a copy.",
    ]
    failed = replace(A, runs=(run("a", 0, None),), rescored_runs=())
    assert said(failed, B) == []  # What has no score anyway was not tested on anything.


def test_runs_on_other_data_or_with_other_metrics_are_told_with_the_one_that_is_used():
    other = run("b", 0, provenance=Provenance(data_digest="sha256:d2"), task_card=card("macro_f1"), scores={})
    found = said(A, replace(B, runs=(other,)), metric="macro_f1")
    assert found == [
        "the runs did not read the same data (2 digests).",
        "the runs name different main metrics (accuracy, macro_f1); macro_f1 is used.",
    ]


@pytest.mark.parametrize(("higher", "right", "wrong"), [(True, "more", "less"), (False, "less", "more")])
def test_records_that_disagree_on_the_metrics_direction_are_counted(higher, right, wrong):
    by_model = [
        model_runs(model, runs=tuple(run(model, seed, None, task_card=card(higher_is_better=points)) for seed in seeds))
        for model, points, seeds in (("a", higher, (0, 1)), ("b", not higher, (4,)), ("c", not higher, (5,)))
    ]
    assert said(*by_model, higher_is_better=higher) == [
        f"{right} accuracy is better, but the records of 2 of 4 runs say that {wrong} is (b, seed 4). They are read as "
        f"{right}."
    ]


def test_models_on_other_examples_or_other_tokens_are_told_once():
    elsewhere = model_runs("c", rescored(0.6, test_set="other"))
    retold = model_runs("d", rescored(0.6, units="pieces"))
    examples = "the models were tested on different examples. Only models with the same test set are compared."
    tokens = (
        "the models' tokens are not the same, so their accuracy is compared only between those with one tokenizer. "
        "Bits per byte compare them all."
    )
    assert said(GAP, A, elsewhere) == [examples]
    assert said(GAP, A, retold) == [tokens]
    assert said(A, elsewhere, retold) == [examples, tokens]


def clean(score: float, of_clean: float) -> tuple:
    split = replace(SPLIT, examples=1200)
    return rescored(score, split=split, clean=rescored(of_clean, examples=1100, test_set="clean"))


@pytest.mark.parametrize(
    ("higher", "order", "without"), [(True, ["b", "a"], ["a", "b"]), (False, ["a", "b"], ["b", "a"])]
)
def test_test_examples_that_repeat_training_ones_are_told_with_what_hangs_on_them(higher, order, without):
    a, b = model_runs("a", clean(0.8, 0.7)), model_runs("b", clean(0.9, 0.6))
    metric = card(higher_is_better=higher)
    runs = [replace(one, runs=tuple(replace(found, record=found.record.model_copy(update={"task_card": metric}))
                                    for found in one.runs)) for one in (GAP, B, a, b)]  # fmt: skip
    runs[1] = replace(runs[1], model="c")
    assert orders_of(runs, metric) == (order, without)
    assert said(*runs, higher_is_better=higher) == [
        "100 of 1,200 test examples nearly repeat a training example. Without them, the order of the scores is "
        f"{', '.join(without)}; with them {', '.join(order)}. Scores without them are not known for c."
    ]


def test_where_all_test_examples_repeat_training_ones_none_is_clean():
    # A model without a run on the task may come first.
    repeating = [model_runs("a", rescored(0.9, all_repeat=True, examples=count)) for count in (1200, 1100)]
    assert said(GAP, *repeating, model_runs("b", rescored(0.8, examples=1300))) == [
        "all 1,200 test examples nearly repeat a training example, so no clean one is left to score."
    ]

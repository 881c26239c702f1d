"""What is recommended: never more than the claims show."""

import pytest
from synthetic_runs import LABELS, add_runs, predictions, record, save

from harness.comparison.comparison import compare
from harness.comparison.recommendation import recommended
from harness.config.margin import Margins


def advice(runs):
    (task,) = compare(runs).tasks
    return recommended(task)


def add_simple_baselines(runs, share=0.6, examples=400):
    add_runs(runs, "tfidf", share, range(1), family="tfidf", examples=examples)
    add_runs(runs, "majority", 0.5, range(1), family="majority", examples=examples)


def test_a_model_that_is_ahead_of_all_is_the_best(tmp_path):
    add_simple_baselines(tmp_path)
    add_runs(tmp_path, "bert-mini", 0.85)
    add_runs(tmp_path, "scratch", 0.65, family="scratch")
    found = advice(tmp_path)
    assert (found.kind, found.model) == ("best", "bert-mini")
    assert found.advice == "Use bert-mini: it is ahead of scratch and tfidf."
    assert found.reasons[0].startswith("bert-mini is ahead of the simple baseline tfidf by +")


def costly(seconds):
    return record(seed=0).cost.model_copy(update={"seconds": {"train": seconds}})


def test_of_several_that_may_be_the_best_the_one_that_costs_least(tmp_path):
    add_simple_baselines(tmp_path)
    add_runs(tmp_path, "large", 0.85, cost=costly(100.0))
    add_runs(tmp_path, "small", 0.84, cost=costly(20.0))
    add_runs(tmp_path, "scratch", 0.65, family="scratch", cost=costly(1.0))
    found = advice(tmp_path)
    assert (found.kind, found.model) == ("cheapest", "small")
    assert "at 0.2 of the training time; the difference may be chance." in found.reasons[0]


def test_the_best_score_is_recommended_where_it_costs_no_more(tmp_path):
    add_simple_baselines(tmp_path)
    add_runs(tmp_path, "large", 0.84, cost=costly(100.0))
    add_runs(tmp_path, "small", 0.85, cost=costly(20.0))
    found = advice(tmp_path)
    assert (found.kind, found.model) == ("cheapest", "small")
    assert found.advice == (
        "Use small: it has the best score, and of those that may be as good, large, none costs less."
    )


def test_a_simple_baseline_that_nothing_beats(tmp_path):
    add_simple_baselines(tmp_path, 0.90)
    add_runs(tmp_path, "bert-mini", 0.86)
    found = advice(tmp_path)
    assert (found.kind, found.model) == ("baseline", "tfidf")
    assert found.advice == "Use tfidf: nothing beats the simple baseline."


def test_a_model_that_has_not_read_the_training_examples_once_is_no_proof_against_it(tmp_path):
    add_simple_baselines(tmp_path, 0.90)
    halfway = record(seed=0).curve[:1]  # Half an epoch.
    add_runs(tmp_path, "bert-mini", 0.86, curve=halfway)
    found = advice(tmp_path)
    assert (found.kind, found.model) == ("unclear", "tfidf")
    assert found.advice == "Use tfidf for now: nothing beats the simple baseline after so short a training."
    assert found.reasons[1] == "bert-mini has read 50 % of the training examples; more steps may change that."


def test_a_model_that_collapsed_is_no_proof_against_it(tmp_path):
    add_simple_baselines(tmp_path, 0.80)
    add_runs(tmp_path, "bert-mini", 0.45)  # One answer to all does better.
    found = advice(tmp_path)
    assert found.advice == "Use tfidf: nothing beats the simple baseline."
    assert "bert-mini (3 of 3 collapsed), the best model, " in found.reasons[0]
    assert found.reasons[1].startswith("A run that collapsed learnt nothing; more steps or another recipe")


def test_a_lead_over_the_simple_baseline_that_may_be_chance(tmp_path):
    add_runs(tmp_path, "tfidf", 0.80, range(1), family="tfidf", examples=100)
    add_runs(tmp_path, "bert-mini", 0.83, examples=100)
    found = advice(tmp_path)
    assert (found.kind, found.model) == ("unclear", "tfidf")
    assert found.reasons[0].endswith(", which may be chance.")
    assert found.reasons[1].startswith("If bert-mini is as far ahead of tfidf as here, about ")


def compared(folder, examples):
    """tfidf is right on 20 of 25 examples, bert-mini on 21, whichever the seed."""
    references = [LABELS[i % 2] for i in range(examples)]

    def add(model, seed, right, **changes):
        guessed = [label if right(i) else LABELS[label == LABELS[0]] for i, label in enumerate(references)]
        save(folder, record(model=model, seed=seed, **changes), predictions(references, guessed))

    add("tfidf", 0, lambda i: i % 25 < 20, family="tfidf")
    for seed in range(3):
        add("bert-mini", seed, lambda i, seed=seed: (7 * i + seed) % 25 < 21)
    (task,) = compare(folder).tasks
    return task


def test_so_many_more_examples_as_are_said_to_be_needed_do_tell(tmp_path):
    few = compared(tmp_path / "few", 150)
    assert (few.needed.leader, few.needed.rival) == ("bert-mini", "tfidf")
    assert recommended(few).kind == "unclear"
    more = 25 * (few.needed.more_examples // 25 + 1)
    assert recommended(compared(tmp_path / "more", 150 + more)).kind == "best"
    assert recommended(compared(tmp_path / "half", 150 + 25 * (more // 75))).kind == "unclear"


def test_what_is_told_apart_needs_nothing_more(tmp_path):
    add_simple_baselines(tmp_path)
    add_runs(tmp_path, "bert-mini", 0.85)
    add_runs(tmp_path, "scratch", 0.65, family="scratch")
    assert compare(tmp_path).tasks[0].needed is None


def test_one_seed_recommends_nothing(tmp_path):
    add_simple_baselines(tmp_path)
    add_runs(tmp_path, "bert-mini", 0.95, range(1))
    add_runs(tmp_path, "scratch", 0.65, range(1), family="scratch")
    found = advice(tmp_path)
    assert (found.kind, found.model) == ("unclear", None)
    assert found.advice == "Can't tell yet: run at least 3 seeds of each model."


@pytest.mark.parametrize("simple", [True, False])
def test_failed_runs_recommend_nothing_but_the_simple_baseline(tmp_path, simple):
    save(tmp_path, record(model="bert-mini", seed=0, status="failed", reason="no memory"), None)
    if simple:
        add_simple_baselines(tmp_path)
    found = advice(tmp_path)
    assert (found.kind, found.model) == ("unclear", "tfidf" if simple else None)


def test_doubts_come_along(tmp_path):
    add_simple_baselines(tmp_path)
    add_runs(tmp_path, "bert-mini", 0.85, range(2))
    add_runs(tmp_path, "bert-mini", 0.85, range(2, 4), config={"training": {"epochs": 9.0}})
    add_runs(tmp_path, "scratch", 0.65, family="scratch")
    assert any(reason.startswith("But: ") for reason in advice(tmp_path).reasons)


@pytest.mark.slow
def test_within_a_margin_the_cheapest_is_enough(tmp_path):
    add_simple_baselines(tmp_path, examples=1000)
    add_runs(tmp_path, "large", 0.87, cost=costly(100.0), examples=1000)
    add_runs(tmp_path, "small", 0.86, cost=costly(20.0), examples=1000)
    add_runs(tmp_path, "scratch", 0.65, family="scratch", cost=costly(1.0), examples=1000)
    (task,) = compare(tmp_path, margins=Margins(10.0, {})).tasks
    found = recommended(task)
    assert (found.kind, found.model) == ("cheapest", "small")
    assert found.advice == (
        "Use small: no model is better by more than 10 points, and of 2 such models it costs least to train."
    )
    (strict,) = compare(tmp_path, margins=Margins(0.001, {})).tasks
    assert recommended(strict).kind in ("best", "cheapest")
    assert "by more than" not in recommended(strict).advice

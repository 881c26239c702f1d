"""No sentence says more than the numbers: what once did, case by case, each through records and predictions."""

import math
from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import LABELS, add_runs, card, guesses, predictions, record, save

from harness.comparison.comparison import compare
from harness.comparison.conclusions import reading, verdict
from harness.comparison.recommendation import recommended
from harness.comparison.results import TaskComparison
from harness.metrics.metric import PERCENT
from harness.record import Provenance
from harness.reporting.tables import differences
from tests.comparison.test_language_models_compared import add_model


def only(runs: Path, **more) -> TaskComparison:
    (task,) = compare(runs, **more).tasks
    return task


def claims(task: TaskComparison) -> list[str]:
    """The sentences that say of a model that it is ahead of another one."""
    return [
        line for line in verdict(task) if "is ahead of" in line or " behind " in line or line.startswith("Against ")
    ]


def add(runs: Path, model: str, share: float, groups: list[str | None], seeds: range = range(3), **changes) -> None:
    """Runs of a model whose test examples are in groups."""
    for seed in seeds:
        references, predicted = guesses(share, 1000 * seed + sum(map(ord, model)), len(groups))
        save(runs, record(model=model, seed=seed, **changes), predictions(references, predicted, groups))


@pytest.mark.slow
def test_a_model_that_beats_the_baseline_leaves_it_out_of_the_possible_best(tmp_path: Path):
    # Two families of comparisons once called scratch unbeaten, and beaten by m3.
    for seed, share in enumerate((0.9, 0.9, 0.6)):
        add_runs(tmp_path, "m1", share, range(seed, seed + 1))
    for model, share in (("m2", 0.85), ("m3", 0.88), ("scratch", 0.8)):
        add_runs(tmp_path, model, share)
    task = only(tmp_path)
    better = {cell.model for cell in task.cells if reading(cell) == "better"}
    (scratch,) = [cell for cell in task.cells if cell.model == "scratch"]
    assert better
    assert set(scratch.beaten_by) >= better
    assert not scratch.is_top


def test_a_perplexity_per_other_tokens_is_not_called_lower_without_a_doubt(tmp_path: Path):
    for model, nats, size in (("xl-memory", 0.0, 4), ("gpt", 0.05, 1)):
        add_model(tmp_path, model, nats, metric="perplexity", bytes_a_token=size)
    said = verdict(only(tmp_path))
    assert "has the lowest perplexity" in said[0]
    assert "(doubtful: not all models have the same tokens)" in said[0]
    assert not claims(only(tmp_path))


def test_diverged_runs_are_named_beside_the_model_in_each_claim(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.95)
    add_runs(tmp_path, "bert-mini", 0.95, range(3, 5), status="diverged", reason="loss nan at step 4")
    add_runs(tmp_path, "scratch", 0.6)
    add_runs(tmp_path, "scratch", 0.6, range(3, 5), status="failed", reason="no memory")
    said = verdict(only(tmp_path))
    assert said[0].startswith("bert-mini (2 of 5 diverged) has the highest accuracy")
    assert "It is ahead of scratch (2 of 5 failed) by more than chance explains." in said
    assert any(line.startswith("Against scratch (2 of 5 failed), bert-mini (+") for line in said)


def test_runs_without_a_finite_score_and_runs_that_are_missing_are_named(tmp_path: Path):
    rng, numbers = np.random.default_rng(0), list(np.random.default_rng(1).normal(size=200))
    task_card = card("mean_squared_error", "regression", higher_is_better=False)
    for model, noise, seeds in (("close", 0.1, 3), ("far", 0.5, 5)):
        for seed in range(seeds):
            predicted = list(np.array(numbers) + noise * rng.normal(size=200))
            if (model, seed) == ("far", 4):
                predicted[7] = math.inf
            save(tmp_path, record(model=model, seed=seed, task_card=task_card), predictions(numbers, predicted))
    said = verdict(only(tmp_path))
    assert said[0].startswith("close (2 of 5 not run) has the lowest mean squared error")
    assert "It is ahead of far (1 of 5 with an infinite or undefined score) by more than chance explains." in said


def test_a_model_that_is_scored_alone_does_not_stand_alone_where_others_have_no_score(tmp_path: Path):
    task_card = card("mean_squared_error", "regression", higher_is_better=False)
    save(tmp_path, record(model="close", task_card=task_card), predictions([1.0, 2.0, 4.0], [1.1, 2.0, 3.0]))
    save(tmp_path, record(model="endless", task_card=task_card), predictions([1.0, 2.0, 4.0], [math.inf, 2.0, 3.0]))
    said = verdict(only(tmp_path))
    assert "No other model has a score to compare it with." in said
    assert "endless (1 of 1 with an infinite or undefined score) has no score here." in said
    assert not any("There is no other model" in line for line in said)


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"config": {"seed": 2, "training": {"learning_rate": 1e-3}}}, "seeds with different settings"),
        ({"provenance": Provenance(data_digest="sha256:d2")}, "seeds on different data"),
    ],
)
def test_seeds_that_are_not_alike_are_named_in_the_claim(tmp_path: Path, changes: dict, doubt: str):
    add_runs(tmp_path, "bert-mini", 0.95, range(2))
    add_runs(tmp_path, "bert-mini", 0.95, range(2, 3), **changes)
    add_runs(tmp_path, "scratch", 0.6)
    said = verdict(only(tmp_path))
    assert said[0].startswith(f"bert-mini ({doubt}) has the highest accuracy")
    assert "It is ahead of scratch by more than chance explains." in said


def test_models_that_read_other_data_are_not_ahead_without_a_doubt(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.95)
    add_runs(tmp_path, "scratch", 0.6, provenance=Provenance(data_digest="sha256:d2"))
    found = claims(only(tmp_path))
    assert len(found) == 2
    assert all(line.endswith("(doubtful: the models did not read the same data).") for line in found)


def test_all_right_against_all_wrong_is_a_difference(tmp_path: Path):
    references = [LABELS[place % 2] for place in range(400)]
    for model, predicted in (("all-right", references), ("scratch", [LABELS[one == LABELS[0]] for one in references])):
        for seed in range(3):
            save(tmp_path, record(model=model, seed=seed), predictions(references, predicted))
    task = only(tmp_path)
    assert [cell.model for cell in task.cells if cell.is_top] == ["all-right"]
    assert [reading(cell) for cell in task.cells if cell.from_baseline] == ["better"]


def test_a_ranking_over_different_test_examples_says_so_where_it_ranks(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.95)
    add_runs(tmp_path, "scratch", 0.6, examples=300)
    task = only(tmp_path)
    assert "(doubtful: not all models were tested on the same examples)" in verdict(task)[0]
    assert not claims(task)


@pytest.mark.slow
def test_the_best_of_several_close_models_is_told_with_the_optimism_of_the_choice(tmp_path: Path):
    for model in ("m1", "m2", "m3", "m4"):
        add_runs(tmp_path, model, 0.8)
    task = only(tmp_path)
    best, *others = task.ranked
    assert best.best_of.models == 4
    assert best.best_of.low < best.estimate.low
    assert best.best_of.high == pytest.approx(best.estimate.high)
    assert [cell.best_of for cell in others] == [None] * 3
    begins = f"an interval that allows for the choice begins at {PERCENT.score(best.best_of.low)}."
    assert any("best of 4 that may be the best" in line and line.endswith(begins) for line in verdict(task))
    add_runs(tmp_path, "m0", 0.99)
    assert only(tmp_path).ranked[0].best_of is None
    assert not any("flatters" in line for line in verdict(only(tmp_path)))


@pytest.mark.slow
def test_where_less_is_better_the_choice_moves_the_upper_end(tmp_path: Path):
    rng, numbers = np.random.default_rng(0), list(np.random.default_rng(1).normal(size=200))
    task_card = card("mean_squared_error", "regression", higher_is_better=False)
    for model in ("m1", "m2", "m3"):
        for seed in range(3):
            rows = predictions(numbers, list(np.array(numbers) + 0.5 * rng.normal(size=200)))
            save(tmp_path, record(model=model, seed=seed, task_card=task_card), rows)
    best = only(tmp_path).ranked[0]
    assert best.best_of.high > best.estimate.high
    assert best.best_of.low == pytest.approx(best.estimate.low)
    assert any("allows for the choice ends at" in line for line in verdict(only(tmp_path)))


def add_labelled(runs: Path, references: list[str], first: str) -> None:
    """Two models of three seeds; each run of the better one predicts `first` for the first example."""
    task_card = card("macro_f1").model_copy(update={"labels": ("a", "b", "c")})
    for model, share in (("good", 0.95), ("bad", 0.55)):
        for seed in range(3):
            right = np.random.default_rng([seed, len(model)]).random(len(references)) < share
            predicted = [one if ok else "b" for one, ok in zip(references, right, strict=True)]
            rows = predictions(references, [first, *predicted[1:]] if model == "good" else predicted)
            save(runs, record(model=model, seed=seed, task_card=task_card), rows)


def test_a_label_with_few_test_examples_is_named_in_claims_of_a_metric_that_weighs_labels(tmp_path: Path):
    add_labelled(tmp_path, ["a", "b", "a"] * 66 + ["c"] * 4, "a")
    found = claims(only(tmp_path))
    assert found
    assert all("(doubtful: fewer than 5 test examples of label c)" in line for line in found)
    add_labelled(tmp_path / "five", ["a", "b", "a"] * 66 + ["c"] * 5, "a")
    assert claims(only(tmp_path / "five"))
    assert "doubtful" not in " ".join(verdict(only(tmp_path / "five")))


@pytest.mark.slow
def test_a_predicted_label_that_the_test_lacks_is_named_in_claims_of_macro_f1(tmp_path: Path):
    add_labelled(tmp_path, ["a", "b", "a"] * 66, "c")
    # One prediction of three hundred, and a third of the average: F1 of a label without examples is 0.
    (good,) = [cell for cell in only(tmp_path).cells if cell.model == "good"]
    assert good.estimate.value < 0.67
    doubt = "(doubtful: predictions of label c, which no test example has, lower the average)"
    assert doubt in verdict(only(tmp_path))[0]
    add_labelled(tmp_path / "never", ["a", "b", "a"] * 66, "a")
    assert doubt not in " ".join(verdict(only(tmp_path / "never")))


def test_rare_labels_are_no_doubt_where_each_example_weighs_the_same(tmp_path: Path):
    references = ["positive"] * 3 + ["negative"] * 197
    for model, right in (("good", 195), ("bad", 120)):
        for seed in range(3):
            order = np.random.default_rng([seed, right]).permutation(200) < right
            rows = [one if ok else LABELS[one == LABELS[0]] for one, ok in zip(references, order, strict=True)]
            save(tmp_path, record(model=model, seed=seed), predictions(references, rows))
    assert claims(only(tmp_path))
    assert "doubtful" not in " ".join(verdict(only(tmp_path)))


@pytest.mark.parametrize("flipped", [[("scratch", 0)], [("bert-mini", seed) for seed in range(3)], "all"])
def test_a_record_with_the_metrics_direction_wrong_turns_nothing(tmp_path: Path, flipped):
    wrong = card(higher_is_better=False)
    for model, share in (("bert-mini", 0.95), ("scratch", 0.6)):
        for seed in range(3):
            changes = {"task_card": wrong} if flipped == "all" or (model, seed) in flipped else {}
            add_runs(tmp_path, model, share, range(seed, seed + 1), **changes)
    task = only(tmp_path)
    assert [cell.model for cell in task.ranked] == ["bert-mini", "scratch"]
    assert "bert-mini has the highest accuracy" in verdict(task)[0]
    assert "(doubtful: the records disagree on which way the metric points)" in verdict(task)[0]
    assert any("more accuracy is better, but the records of" in line for line in task.doubts)


def test_of_an_unknown_metric_the_direction_is_that_of_most_records(tmp_path: Path):
    metric = "evaluate:own:lower"
    for seed, higher in enumerate((True, False, False)):
        task_card = card(metric, higher_is_better=higher)
        run = record(seed=seed, task_card=task_card, scores={"test": {metric: 0.5}})
        save(tmp_path, run, predictions(list(LABELS), list(LABELS)))
    assert not only(tmp_path).card.higher_is_better


def test_of_one_document_nothing_is_claimed_or_bold(tmp_path: Path):
    for model, share in (("bert-mini", 0.95), ("scratch", 0.6)):
        add(tmp_path, model, share, ["one"] * 400)
    task = only(tmp_path)
    assert not [cell.model for cell in task.cells if cell.is_top or cell.beaten_by]
    assert not claims(task)
    assert any("bert-mini and scratch: all test examples are one group" in line for line in verdict(task))
    assert "as recorded" not in " ".join(verdict(task))
    assert reading(task.ranked[0]) == "not tested: too few groups of test examples"


def test_two_groups_of_which_one_is_nearly_all_are_not_four_hundred(tmp_path: Path):
    for model, share in (("bert-mini", 0.95), ("scratch", 0.6)):
        add(tmp_path, model, share, ["large"] * 395 + ["small"] * 5)
    task = only(tmp_path)
    assert not claims(task)
    assert task.doubts_of_claims == ("only 2 groups of test examples of unequal size, worth 1",)
    assert any("all test examples are one group, or nearly" in line for line in verdict(task))


def test_few_groups_are_named_in_the_claim(tmp_path: Path):
    for model, share in (("bert-mini", 0.97), ("scratch", 0.6)):
        add(tmp_path, model, share, [f"film {place % 9}" for place in range(450)])
    found = claims(only(tmp_path))
    assert found
    assert all("(doubtful: only 9 groups of test examples)" in line for line in found)
    for model, share in (("bert-mini", 0.97), ("scratch", 0.6)):
        add(tmp_path / "ten", model, share, [f"film {place % 10}" for place in range(450)])
    assert "doubtful" not in " ".join(verdict(only(tmp_path / "ten")))


def test_examples_without_a_group_join_no_group_and_are_counted_in_the_claim(tmp_path: Path):
    groups = [f"film {place % 40}" if place < 300 else None for place in range(400)]
    for model, share in (("bert-mini", 0.97), ("scratch", 0.6)):
        add(tmp_path, model, share, groups)
    task = only(tmp_path)
    # 300 reviews of 40 films, 100 alone: shares of 7 or 8 of 400, and of 1.
    sizes = np.array([8] * 20 + [7] * 20 + [1] * 100) / 400
    assert task.cells[0].clusters == pytest.approx(1 / (sizes**2).sum())
    doubt = "(doubtful: 100 of 400 test examples are in no group and count as independent)"
    assert claims(task)
    assert all(doubt in line for line in claims(task))


def test_examples_without_a_group_may_be_written_in_either_way(tmp_path: Path):
    add(tmp_path, "bert-mini", 0.95, [None] * 400)
    add(tmp_path, "scratch", 0.6, [""] * 400)
    task = only(tmp_path)
    assert claims(task)
    assert "doubtful" not in " ".join(verdict(task))


def test_an_interval_that_is_not_adjusted_says_so_beside_the_adjusted_reading(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.85)
    add_runs(tmp_path, "scratch", 0.8)
    headings = differences(only(tmp_path)).headings
    assert headings.index("Adjusted p") == headings.index("95 % interval, unadjusted") + 1
    assert not [heading for heading in headings if heading == "95 % interval"]


@pytest.mark.slow
def test_the_interval_of_the_best_of_six_covers_after_the_choice():
    from experiments.best_of_levels import rates

    usual, allowing = rates(6, 8.0, 400, 3)
    assert usual < 0.91
    assert allowing >= 0.94


def test_what_to_use_is_told_with_the_doubts_of_the_claims_that_carry_it(tmp_path: Path):
    for model, share in (("bert-mini", 0.97), ("scratch", 0.6)):
        add(tmp_path, model, share, [f"film {place % 9}" for place in range(450)])
    add_runs(tmp_path, "scratch", 0.6, range(3, 4), status="diverged", reason="loss nan at step 4")
    wanted = "(1 of 4 not run): it is ahead of scratch (1 of 4 diverged) (doubtful: only 9 groups of test examples)."
    assert recommended(only(tmp_path)).advice == f"Use bert-mini {wanted}"


def test_on_one_document_more_seeds_are_not_what_is_missing(tmp_path: Path):
    for model, share in (("bert-mini", 0.95), ("scratch", 0.6)):
        add(tmp_path, model, share, ["one"] * 400)
    assert recommended(only(tmp_path)).advice == "Can't tell: there are too few test examples, or groups of them."

"""What a comparison says of how its models were tuned."""

import math

import pytest
from synthetic_runs import add_runs, card, predictions, record, save
from synthetic_trials import add_trials, add_tuned, recipe

from harness.comparison.comparison import compare
from harness.comparison.conclusions import verdict
from harness.record import write_record
from harness.registry import FORMATS
from harness.reporting.tuning import trials_csv
from harness.trial import Trial, Tuning


@pytest.fixture
def runs(tmp_path):
    add_tuned(tmp_path)
    add_trials(tmp_path)
    return tmp_path


def only(folder):
    (task,) = compare(folder).tasks
    return task


def test_trials_are_read_beside_the_seeds_and_are_no_seeds(runs):
    task = only(runs)
    (tuned,) = task.tuned
    assert [(trial.number, trial.status, trial.score) for trial in tuned.trials] == [
        (0, "complete", 0.70),
        (1, "complete", 0.80),
        (2, "complete", 0.78),
        (3, "failed", None),
    ]
    assert (tuned.best, tuned.used) == (1, 1)
    assert tuned.best_trial.settings == {"learning_rate": 0.001}
    assert tuned.seconds == 40.0
    (cell,) = task.cells
    assert [run.record.seed for run in cell.runs] == [0, 1, 2]


def test_a_setting_that_some_trials_version_did_not_have_is_none_that_was_tried(runs):
    newer = runs / "reviews/rotten_tomatoes/bert-mini/trials/trial-002"
    config = recipe(1e-4, beams=4) | {"evaluate": "validation"}
    changes = {"trial": Trial(number=2, space="sha256:s"), "scores": {"validation": {"accuracy": 0.78}}}
    write_record(record(model="bert-mini", config=config, **changes), newer)
    (tuned,) = only(runs).tuned
    assert tuned.best_trial.settings == {"learning_rate": 0.001}


def test_the_noise_is_that_of_seeds_and_of_validation_examples(runs):
    (tuned,) = only(runs).tuned
    # Seeds: variance 0.0001, twice. Examples: 0.8 x 0.2 / 400.
    assert tuned.noise == pytest.approx(math.sqrt(2 * 0.0001 + 0.0004))
    assert tuned.as_good == 1  # 0.78, but not 0.70: 1.96 x 0.0245 = 0.048.


def test_the_verdict_says_at_how_many_trials(runs):
    add_tuned(runs, "xl-mini")
    add_trials(runs, "xl-mini")
    assert (
        "All this is at 4 trials each: every trained model's recipe is the best of so many on validation."
        in verdict(only(runs))
    )


def test_untuned_models_beside_tuned_ones_are_named(runs):
    add_runs(runs, "scratch", 0.7, family="scratch")
    add_runs(runs, "tfidf", 0.72, range(1), family="tfidf")
    assert "bert-mini: tuned, at 4 trials each. Not tuned: scratch." in verdict(only(runs))


def test_unequal_numbers_of_trials_are_told(runs):
    add_tuned(runs, "xl-mini", trials=2)
    add_trials(runs, "xl-mini", (0.5, 0.9))
    said = " ".join(verdict(only(runs)))
    assert "tuned at unequal numbers of trials (bert-mini 4, xl-mini 2), which favours those with more." in said


def test_nothing_is_said_of_tuning_where_none_was(tmp_path):
    add_runs(tmp_path, "bert-mini", 0.8)
    task = only(tmp_path)
    assert task.tuned == ()
    assert "trial" not in " ".join(verdict(task))


def test_seeds_with_another_trials_recipe_are_doubted(tmp_path):
    add_tuned(tmp_path, used=2)
    add_trials(tmp_path)
    assert any(
        "bert-mini: its seeds were trained with the settings of trial 2, but of its 4 trials, trial 1 is best." in line
        for line in compare(tmp_path).warnings
    )


def test_trials_of_several_spaces_are_doubted(runs):
    add_tuned(runs, "xl-mini")
    add_trials(runs, "xl-mini")
    file = runs / "reviews/rotten_tomatoes/xl-mini/trials/trial-000"
    write_record(record(model="xl-mini", config=recipe(0.1), trial=Trial(number=0, space="sha256:t")), file)
    assert any("xl-mini: its trials are from 2 search spaces" in line for line in compare(runs).warnings)


def test_a_trial_that_can_not_be_read_is_told_and_hides_no_other(runs):
    (runs / "reviews/rotten_tomatoes/bert-mini/trials/trial-002/run.json").write_text("{")
    found = compare(runs)
    assert [trial.number for trial in found.tasks[0].tuned[0].trials] == [0, 1, 3]
    assert any("trial-002" in problem for problem in found.problems)


def test_where_less_is_better_the_least_wins(tmp_path):
    errors = {"task_card": card("mean_squared_error", "regression", higher_is_better=False)}
    for number, score in enumerate((3.0, 1.0, 2.0)):
        place = tmp_path / f"reviews/rotten_tomatoes/bert-mini/trials/trial-{number:03}"
        place.mkdir(parents=True)
        scores = {"validation": {"mean_squared_error": score}}
        trial = Trial(number=number, space="")
        write_record(record(trial=trial, seed=number, scores=scores, config=recipe(number + 1.0), **errors), place)
    run = record(
        scores={"validation": {"mean_squared_error": 1.5}},
        config=recipe(2.0),
        tuning=Tuning(trials=3, best=1, space=""),
        **errors,
    )
    save(tmp_path, run, predictions([1.0, 2.0], [1.5, 2.5]))
    (tuned,) = only(tmp_path).tuned
    assert (tuned.best, tuned.used) == (1, 1)
    assert tuned.curve.typical == (2.0, 1.0, 1.0)
    assert tuned.noise is None  # One seed, and no share.


def test_equal_costs_are_told_with_the_trials_that_they_bought(tmp_path):
    for model, scores in (("bert-mini", (0.7, 0.8)), ("xl-mini", (0.7, 0.8, 0.6, 0.9))):
        add_tuned(tmp_path, model, trials=min(len(scores), 3), budget="flops")
        add_trials(tmp_path, model, scores)
    task = only(tmp_path)
    assert "Tuned at equally many training FLOPs each, in trials: bert-mini 2, xl-mini 3." in verdict(task)
    # The fourth trial was one too many: it is not among those that the recipe was chosen from.
    assert [one.best for one in task.tuned] == [1, 1]


def test_trials_that_went_by_earlier_ones_have_no_curve(tmp_path):
    add_tuned(tmp_path, sampler="tpe")
    add_trials(tmp_path)
    (tuned,) = only(tmp_path).tuned
    assert tuned.curve is None
    assert tuned.best == 1


def test_a_strangers_trials_break_nothing(tmp_path):
    add_tuned(tmp_path, best=0, fresh=(7.0, -3.0, 1e99))
    add_trials(tmp_path, scores=(7.0, 1e300, -1e99, 0.5))
    for number, score, odd in ((2, -1e99, 1), (3, 0.5, [{"a": None}])):
        file = tmp_path / f"reviews/rotten_tomatoes/bert-mini/trials/trial-{number:03}"
        run = {"training": {"learning_rate": "<b>=1</b>", "=cmd()": odd}}
        scores = {"validation": {"accuracy": score}}
        write_record(record(model="bert-mini", config=run, scores=scores, trial=Trial(number=number, space="")), file)
    comparison = compare(tmp_path)
    assert [trial.score for trial in comparison.tasks[0].tuned[0].trials] == [7.0, None, -1e99, 0.5]
    assert "<b>=1" not in FORMATS.load("html")(comparison)
    heading, *lines = trials_csv(comparison).splitlines()
    assert "'=cmd()" in heading
    assert len(lines) == 4

"""How models were tuned, of records that are made by hand: which trials count, what they tell, and in which words."""

from dataclasses import replace

import pytest
from made_comparisons import cell, estimate, task
from synthetic_runs import card, record
from synthetic_trials import add_trials, recipe

from harness.comparison.conclusions import verdict
from harness.comparison.tuned import TrialResult, TunedModel, tuned_models, tuning_doubts, tuning_lines
from harness.record import Counts, write_record
from harness.trial import Trial, Tuning

OF_FOUR = Tuning(trials=4, best=1, space="s")


def made(model="a", scores=(0.7, 0.8), **changes):
    """A model with trials of these scores, the second one the best."""
    trials = tuple(
        TrialResult(number=number, status="complete", seed=number, score=score, settings={}, seconds=1.5)
        for number, score in enumerate(scores)
    )
    best = min(1, len(scores) - 1)
    settings = {"best": best, "used": best, "curve": None, "fresh": (), "noise": 0.01, "examples": 400, **changes}
    return TunedModel(model=model, trials=trials, **settings)


def seeds_of(folder, model="a", *, tunings=(OF_FOUR,), fresh=(0.8,), **changes):
    """Records of seeds beside which trials lie, with their folders."""
    place = folder / "reviews/rotten_tomatoes" / model
    return [
        (
            place / f"seed-{seed}",
            record(**{
                "model": model, "seed": seed, "tuning": tuning, "config": recipe(1e-3),
                "scores": {"validation": {"accuracy": score}}, **changes,
            }),
        )
        for seed, (tuning, score) in enumerate(zip(tunings, fresh, strict=True))
    ]  # fmt: skip


def found(seeds, task_card=None):
    return tuned_models(seeds, task_card or card())


def test_as_good_are_the_others_within_196_standard_errors_of_the_best():
    # 1.96 x 0.01 below 0.8 is 0.7804.
    assert made(scores=(0.79, 0.8, 0.7805, 0.78, 0.819, 0.815, None)).as_good == 4
    assert made(noise=None).as_good is None
    assert made(scores=(None, None)).as_good is None
    assert made().seconds == 3.0


def test_models_with_trials_by_the_task_s_metric_are_told_in_the_order_of_their_names(tmp_path):
    for model in ("b", "a", "c"):
        add_trials(tmp_path, model)
    seeds = [*seeds_of(tmp_path, "b"), *seeds_of(tmp_path, "a"), *seeds_of(tmp_path, "without trials")]
    other = seeds_of(tmp_path, "c", task_card=card("macro_f1"))
    untuned = seeds_of(tmp_path, "c", tunings=(None,))
    assert [one.model for one in found([*seeds, *other, *untuned])] == ["a", "b"]


def test_trials_are_the_model_s_own_and_as_many_as_a_budget_of_cost_allowed(tmp_path):
    add_trials(tmp_path, "a")
    place = tmp_path / "reviews/rotten_tomatoes/a/trials"
    for name, changes in (("seed", {"trial": None}), ("moved", {"model": "b"})):
        (place / name).mkdir()
        write_record(record(**{"model": "a", "trial": Trial(number=9, space=""), **changes}), place / name)

    def numbers(*tunings):
        (one,) = found(seeds_of(tmp_path, tunings=tunings, fresh=(0.8,) * len(tunings)))
        return [trial.number for trial in one.trials]

    spent = [Tuning(trials=count, best=1, space="s", budget="flops") for count in (2, 3)]
    assert numbers(*spent) == [0, 1, 2]
    assert numbers(spent[0]) == [0, 1]
    assert numbers(Tuning(trials=2, best=1, space="s")) == [0, 1, 2, 3]


def test_what_seeds_were_trained_with_is_the_best_recipe_or_one_trial_s_or_several(tmp_path):
    add_trials(tmp_path, "a")
    best, other = OF_FOUR, Tuning(trials=4, best=2, space="s")
    another = recipe(1e-4)
    assert found(seeds_of(tmp_path, tunings=(other,)))[0].used == 1  # Its recipe is the best one's by now.
    assert found(seeds_of(tmp_path, tunings=(other,), config=another))[0].used == 2
    mixed = seeds_of(tmp_path, tunings=(best, other), fresh=(0.8, 0.8))
    mixed[1] = (mixed[1][0], mixed[1][1].model_copy(update={"config": another}))
    assert found(mixed)[0].used is None
    assert found([mixed[0], (mixed[1][0], mixed[1][1].model_copy(update={"tuning": best}))])[0].used == 1


def test_the_noise_is_of_seeds_and_of_a_share_s_examples_as_far_as_either_is_known(tmp_path):
    add_trials(tmp_path, "a")

    def noise(fresh, **changes):
        (one,) = found(seeds_of(tmp_path, tunings=(OF_FOUR,) * len(fresh), fresh=fresh, **changes))
        return one.noise

    # Two seeds 0.02 apart: variance 0.0002, twice. 400 examples at 0.8: 0.16 / 400, half of it shared, twice.
    assert noise((0.79, 0.81)) == pytest.approx((2 * 0.0002 + 0.0004) ** 0.5)
    assert noise((0.8,)) == pytest.approx(0.02)
    assert noise((0.8,), status="failed") == pytest.approx(0.02)


def test_examples_are_counted_where_a_trial_counted_them(tmp_path):
    add_trials(tmp_path, "a", (0.7, 0.8), counts=Counts(examples={}))
    assert (found(seeds_of(tmp_path))[0].examples, found(seeds_of(tmp_path))[0].noise) == (0, None)
    place = tmp_path / "reviews/rotten_tomatoes/a/trials/trial-002"
    place.mkdir()
    counts = Counts(examples={"validation": 30})
    write_record(
        record(model="a", config=recipe(0.1, batch_size=8), trial=Trial(number=2, space="t"), counts=counts), place
    )
    (one,) = found(seeds_of(tmp_path))
    assert (one.examples, one.spaces, one.curve) == (30, 2, None)
    assert [trial.settings["batch_size"] for trial in one.trials] == [16, 16, 8]


def test_a_curve_is_of_a_random_sample_and_the_last_seed_tells_how_it_was_drawn(tmp_path):
    add_trials(tmp_path, "a", (0.7, 0.8))
    drawn, found_by = Tuning(trials=2, best=1, space="s"), Tuning(trials=2, best=1, space="s", sampler="tpe")
    (one,) = found(seeds_of(tmp_path, tunings=(found_by, drawn), fresh=(0.8, 0.8)))
    assert one.curve is not None
    assert (one.fresh, one.budget) == ((0.8, 0.8), "trials")
    (one,) = found(seeds_of(tmp_path, tunings=(drawn, found_by), fresh=(0.8, 0.8)))
    assert one.curve is None


def test_seeds_with_another_recipe_and_trials_of_several_spaces_are_doubted():
    again = "of its 2 trials, trial 1 is best. Run the suite again with --redo, which keeps the trials."
    assert list(tuning_doubts([made(), made("b", used=None), made("c", used=0, spaces=2)], "s/t")) == [
        f"s/t/b: its seeds were trained with other settings, but {again}",
        f"s/t/c: its seeds were trained with the settings of trial 0, but {again}",
        "s/t/c: its trials are from 2 search spaces, so it has no curve.",
    ]
    assert list(tuning_doubts([made(scores=(None, None))], "s/t")) == [
        "s/t/a: none of its 2 trials has a score on validation, so nothing speaks for the recipe of its seeds."
    ]


@pytest.mark.parametrize(
    ("tuned", "trained", "said"),
    [
        ((), "ab", ()),
        ((made(),), "b", ()),
        ((made(), made("b")), "ab",
         ("All this is at 2 trials each: every trained model's recipe is the best of so many on validation.",)),
        ((made(), made("b", used=None)), "ab",
         ("All this is at 2 trials each: every trained model's recipe, b apart, is the best of so many on "
          "validation.",)),
        ((made(used=None), made("b", used=None)), "ab",
         ("All this is at 2 trials each: no trained model's recipe is the best of so many on validation.",)),
        ((made(), made("b", scores=(None, None))), "ab",
         ("All this is at 2 trials each: every trained model's recipe, b apart, is the best of so many on "
          "validation.",)),
        ((made(scores=(0.7,)),), "a",
         ("All this is at 1 trial each: every trained model's recipe is the best of so many on validation.",)),
        ((made(scores=(0.7,)), made("b", scores=(0.7,))), "abcd",
         ("a, b: tuned, at 1 trial each. Not tuned: c, d.",)),
        ((made(), made("b", scores=(0.7,)), made("unscored")), "ab",
         ("The models were tuned at unequal numbers of trials (a 2, b 1), which favours those with more.",)),
        ((made(budget="flops"), made("b", scores=(0.7,), budget="flops")), "ab",
         ("Tuned at equally many training FLOPs each, in trials: a 2, b 1.",)),
        ((made(budget="seconds"), made("b")), "abc",
         ("Tuned at equally many seconds or trials each, in trials: a 2, b 2.", "Not tuned: c.")),
    ],
)  # fmt: skip
def test_how_the_models_were_tuned_is_told_in_a_sentence(tuned, trained, said):
    assert tuple(tuning_lines(tuned, list(trained))) == said


def test_a_simple_baseline_is_not_told_as_one_that_was_not_tuned():
    one, simple = cell("a", estimate(0.9)), cell("tfidf", estimate(0.8), simple=True)
    other = replace(one, model="b", beaten_by=("a",))
    assert "All this is at 2 trials each" in " ".join(verdict(task(one, simple, tuned=(made(),))))
    assert "a: tuned, at 2 trials each. Not tuned: b." in verdict(task(one, other, simple, tuned=(made(),)))

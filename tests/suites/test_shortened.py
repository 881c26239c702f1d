"""A suite made short for a first answer, and how short it is made."""

import time
from types import SimpleNamespace

import pytest
from command_line import reviews, write_csv
from synthetic_runs import card, record, save

from harness.cli import planning, within
from harness.cli.budgeted import Budgeted
from harness.cli.within import best_first, longest_that_fits
from harness.errors import UserError
from harness.output import console
from harness.runs.options import Options
from harness.suites.choosing import asked_of, suite_of
from harness.suites.expansion import planned_runs
from harness.suites.runner import Tally
from harness.suites.seeds import SequentialSeeds
from harness.suites.shortened import LADDER, Short, shortened
from harness.suites.suite_file import SUITE_FILE, stated, write_suite


@pytest.fixture
def suite(tmp_path, checkpoints):
    def made(*settings, seeds=3):
        file = write_csv(tmp_path / "mine.csv", reviews(80))
        models = ["tfidf", str(checkpoints["bert"])]
        return suite_of(asked_of(file, columns={}, task_type=None, models=models, seeds=seeds, settings=settings))

    return made


def test_recipes_are_cut_and_nothing_is_made_longer(suite):
    short = shortened(suite("maximum_steps=40", "validation_examples=7"), Short(100, 20))
    assert short.name == "mine-100-steps"
    assert short.tasks == ("mine",)  # So that what it takes is known of whole runs, too.
    limits = [(r.maximum_steps, r.validation_examples, r.test_examples) for r in short.recipes.values()]
    assert limits == [(40, 7, 20)] * 2
    probes = shortened(suite("method=probe"), Short(100, 20)).recipes.values()
    assert [(recipe.maximum_steps, recipe.test_examples) for recipe in probes] == [(None, 20)] * 2


def test_short_runs_have_the_seeds_of_the_first_look_only(suite):
    whole = suite(seeds=SequentialSeeds(start=3, most=10))
    assert (whole.seeds, whole.rule.looks[0]) == (tuple(range(10)), 3)
    short = shortened(whole, Short(25, 100))
    assert (short.seeds, short.rule) == ((0, 1, 2), None)
    assert shortened(suite(seeds=2), Short(25, 100)).seeds == (0, 1)


def test_a_shortened_suite_states_what_limits_it_and_others_do_not(suite, tmp_path):
    whole = suite()
    short = shortened(whole, Short(25, 100))
    for one, limits in ((short, "at most 25 steps, scored on at most 100 test examples"), (whole, "")):
        folder = write_suite(one, tmp_path / "runs")
        assert stated(folder, {one.name}).short_runs == limits
    (folder / SUITE_FILE).write_text('{"short_runs": 25}')
    with pytest.raises(UserError, match="short_runs: not as a suite writes it"):
        stated(folder, {whole.name})


def test_short_runs_are_as_long_as_the_time_allows(suite, tmp_path, monkeypatch):
    monkeypatch.setattr(within, "busy", lambda: 1.0)
    planned = planned_runs(suite("epochs=10000", "batch_size=20000"), tmp_path)
    whole = [run for run in planned if run.model != "tfidf"]
    found = [longest_that_fits(whole, seconds, runs=tmp_path, workers=1) for seconds in (1e7, 500, 0.1)]
    assert found[0] == LADDER[0]
    assert LADDER[0].steps > found[1].steps > found[2].steps
    assert found[2] == LADDER[-1]
    monkeypatch.setattr(within, "busy", lambda: 3.0)
    assert longest_that_fits(whole, 1500, runs=tmp_path, workers=1) == found[1]


def test_where_no_time_is_known_short_runs_come_first_and_are_the_shortest(suite, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "has_no_accelerator", lambda: False)  # Nothing says how fast the GPU is.
    asked = suite("epochs=1")
    waiting = {model: [run for run in planned_runs(asked, tmp_path) if run.model == model] for model in asked.models}
    ends = time.monotonic() + 1e7
    whole = Budgeted(asked, tmp_path, ends, Options(workers=1), console(quiet=True), waiting, Tally())
    assert whole.is_too_short
    assert longest_that_fits(whole.first_of_trained, 1e7, runs=tmp_path, workers=1) == LADDER[-1]


@pytest.mark.parametrize(("higher_is_better", "order"), [(True, ["b", "a", "new"]), (False, ["a", "b", "new"])])
def test_models_are_ordered_by_their_mean_validation_score_in_short_runs(higher_is_better, order, tmp_path):
    done = [SimpleNamespace(folder=tmp_path / "nowhere", state=lambda: "new")]
    for model, scores in {"a": [0.7, 0.5], "b": [0.6, 0.9]}.items():
        for seed, score in enumerate(scores):
            short = record(
                model=model,
                seed=seed,
                scores={"validation": {"accuracy": score}},
                task_card=card(higher_is_better=higher_is_better),
            )
            done.append(SimpleNamespace(folder=save(tmp_path, short, None), state=lambda: "complete"))
    assert best_first(["new", "a", "b"], done) == order
    assert best_first(["new", "a", "b"], done[:1]) == ["new", "a", "b"]

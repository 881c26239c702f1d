"""From a task's runs to its cells, of runs that are made by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_runs import SPLIT, model_runs, rescored, run
from synthetic_runs import LABELS, card, predictions, record, save

from harness.comparison import analysis
from harness.comparison.analysis import analysed_cells
from harness.comparison.look import Look
from harness.comparison.rescoring import NotANumberError, NotApplicableError
from harness.comparison.statistics import SHARED_TRAINING
from harness.config.margin import Margin
from harness.errors import UserError

CARD = card()
GAP = model_runs("gap")


def seeds(model, score, *, spread=0.001, count=3, **changes):
    """A model's runs around a score."""
    scores = [score + spread * place for place in (0, 1, -1)[:count]]
    return model_runs(model, *(rescored(one, values=[one, one + 0.01, one, one - 0.01]) for one in scores), **changes)


def in_units(rescored_run, units):
    return replace(rescored_run, units=units)


def simple(model, score):
    return seeds(model, score, count=1, is_simple_baseline=True)


def cells(*by_model, baseline=None, of=CARD, **changes):
    """The cells by model, and those of them of which a part holds."""
    found = analysed_cells(by_model, of, baseline, **changes)
    assert [cell.model for cell in found] == [one.model for one in by_model]
    return {cell.model: cell for cell in found}


def those(found, has):
    return [model for model, cell in found.items() if has(cell)]


def test_seeds_have_a_test_set_and_units_and_evidence_where_they_agree():
    agreeing = model_runs("a", rescored(0.5, units="u"), rescored(0.6, units="u"))
    assert (agreeing.test_set, agreeing.units) == ("tested", "u")
    assert agreeing.evidence.scores.tolist() == [0.5, 0.6]
    several = [seeds(model, 0.5) for model in "ab"]
    several = [replace(one, rescored_runs=tuple(map(in_units, one.rescored_runs, "uvu"))) for one in several]
    assert several[0].units != several[1].units
    assert not any(cell.is_compared for cell in cells(*several).values())
    elsewhere = model_runs("a", rescored(0.5), rescored(0.6, test_set="other"))
    assert (elsewhere.test_set, elsewhere.evidence) == (None, None)
    assert (GAP.test_set, GAP.units, GAP.evidence, GAP.split.examples) == (None, None, None, 0)


def test_examples_have_values_where_they_have_them_in_every_seed():
    valued, bare = rescored(0.5, values=[0, 1, 0, 1]), rescored(0.5)
    assert np.array(model_runs("a", valued, valued).values).tolist() == [[0, 1, 0, 1]] * 2
    assert model_runs("a", valued, bare).values is model_runs("a", bare).values is GAP.values is None


def test_evidence_knows_what_seeds_change_and_what_folds_share():
    one = rescored(0.5, shares=np.array([0.5, 0.25, 0.125, 0.125]))
    assert model_runs("a", one).evidence.shares is one.shares
    assert model_runs("a", one, is_simple_baseline=True).evidence.deterministic
    assert not model_runs("a", one).evidence.deterministic
    assert not model_runs("a", one, one, is_simple_baseline=True).evidence.deterministic
    published = {"training": {"maximum_steps": 0}, "model": {"init": "pretrained"}}
    found = run("a", 0, config=published, task_card=card(task_type="language_modelling"))
    assert model_runs("a", one, runs=(found,)).evidence.deterministic
    crossed = replace(run("a", 0), folds=(run("a", 0),))
    assert model_runs("a", one, one, runs=(crossed, run("a", 1))).evidence.inflation == SHARED_TRAINING
    assert model_runs("a", one, one).evidence.inflation == 1


def test_clean_examples_count_where_they_are_known_and_the_same_of_each_seed():
    def with_clean(score, test_set="clean", **changes):
        return rescored(0.5, clean=rescored(score, test_set=test_set, examples=3), **changes)

    known = model_runs("a", with_clean(0.4), with_clean(0.6))
    assert (known.clean_evidence.scores.tolist(), known.clean_examples) == ([0.4, 0.6], 3)
    assert model_runs("a", with_clean(0.4)).clean_examples == 3
    for other in (with_clean(0.6, "other"), rescored(0.5)):
        unknown = model_runs("a", with_clean(0.4), other)
        assert (unknown.clean_evidence, unknown.clean_examples) == (None, 0)
    elsewhere = model_runs("a", with_clean(0.4), replace(with_clean(0.6), test_set="other"))
    assert elsewhere.clean_evidence is None
    assert (GAP.clean_evidence, GAP.clean_examples) == (None, 0)


def collapsing(*collapsed, constant=0.5, is_constant=False, **changes):
    """A model's runs of which some collapsed."""
    split = replace(SPLIT, constant_score=constant)
    found = []
    for fell, score in ((fell, 0.5 if fell else 0.9) for fell in collapsed):
        values = [score, score + 0.01, score, score - 0.01]
        clean = rescored(score, values=values, test_set="clean")
        found.append(rescored(score, values=values, split=split, is_constant=is_constant and fell, clean=clean))
    runs = (replace(run("c", seed, one.score), is_collapsed=fell)
            for seed, (one, fell) in enumerate(zip(found, collapsed, strict=True)))  # fmt: skip
    return model_runs("c", *found, runs=tuple(runs), **changes)


def test_the_runs_that_did_not_collapse_stand_apart_where_some_did_and_they_are_better_than_one_answer_to_all():
    mixed = collapsing(False, True, False)
    assert mixed.evidence_without_collapsed(CARD).scores.tolist() == [0.9, 0.9]
    for other in (
        collapsing(False, False), collapsing(True, True), collapsing(False, True, constant=None),
        collapsing(False, True, constant=0.899), GAP,
    ):  # fmt: skip
        assert other.evidence_without_collapsed(CARD) is None
    elsewhere = replace(mixed, rescored_runs=(replace(mixed.rescored_runs[0], test_set="o"), *mixed.rescored_runs[1:]))
    assert elsewhere.evidence_without_collapsed(CARD) is None


def test_a_mean_over_runs_of_two_sorts_has_no_interval_and_no_difference_from_it_has():
    found = cells(seeds("a", 0.8), collapsing(False, True, False), baseline="a")
    apart = found["c"]
    assert apart.estimate.value == pytest.approx((0.9 + 0.5 + 0.9) / 3)
    assert apart.without_collapsed.value == pytest.approx(0.9)
    assert (apart.estimate.low, apart.from_baseline.estimate.low, apart.from_baseline.run_wins) == (None, None, None)
    assert apart.clean.estimate.low is None
    whole = cells(seeds("a", 0.8), collapsing(False, False, False), baseline="a")["c"]
    assert None not in (whole.estimate.low, whole.clean.estimate.low, whole.from_baseline.estimate.low)
    assert whole.without_collapsed is None


def test_three_runs_that_all_gave_one_answer_are_not_shown_to_be_behind_three_others():
    # 1 of 20 ways to deal three such runs to two models of three: Fisher's exact test.
    assert cells(seeds("a", 0.9), collapsing(True, True, True, is_constant=True))["c"].beaten_by == ()
    assert cells(seeds("a", 0.9), collapsing(True, True, True))["c"].beaten_by == ("a",)


BY_MODEL = (
    GAP, seeds("a", 0.6), seeds("c", 0.899, spread=0.003), seeds("b", 0.9, spread=0.003), simple("majority", 0.3),
    simple("tfidf", 0.5),
)  # fmt: skip


def test_models_are_compared_with_each_other_the_baseline_and_the_best_simple_baseline():
    found = cells(*BY_MODEL, baseline="a")
    assert those(found, lambda cell: cell.is_compared) == ["a", "c", "b", "tfidf"]
    assert {model: cell.beaten_by for model, cell in found.items() if cell.beaten_by} == {
        "a": ("c", "b"), "tfidf": ("a", "c", "b")
    }  # fmt: skip
    assert {model: [*cell.p_behind] for model, cell in found.items() if cell.p_behind} == {
        "a": ["c", "b"], "tfidf": ["a", "c", "b"]
    }  # fmt: skip
    assert those(found, lambda cell: cell.best_of) == ["b"]
    assert found["b"].best_of.models == 2
    gains = {model: cell.from_baseline.gain for model, cell in found.items() if cell.from_baseline}
    assert gains == pytest.approx({"c": 0.299, "b": 0.3, "majority": -0.3, "tfidf": -0.1})
    over_simple = {model: cell.from_simple_baseline for model, cell in found.items() if cell.from_simple_baseline}
    assert {model: (one.against, round(one.gain, 3)) for model, one in over_simple.items()} == {
        "a": ("tfidf", 0.1), "c": ("tfidf", 0.399), "b": ("tfidf", 0.4)
    }  # fmt: skip
    assert those(found, lambda cell: cell.is_near_best is not None) == []


def test_less_is_better_where_the_card_says_so():
    found = cells(*BY_MODEL, baseline="majority", of=card("mean_squared_error", "regression", higher_is_better=False))
    assert those(found, lambda cell: cell.is_compared) == ["a", "c", "b", "majority"]
    assert found["b"].from_baseline.gain == pytest.approx(-0.6)
    assert found["a"].beaten_by == ("majority",)
    few = cells(*BY_MODEL[2:4], of=card("mean_squared_error", "regression", higher_is_better=False))
    assert those(few, lambda cell: cell.best_of) == ["c"]


def test_a_simple_baseline_that_is_not_the_best_is_compared_where_it_is_the_baseline():
    assert those(cells(*BY_MODEL, baseline="majority"), lambda cell: cell.is_compared)[-2:] == ["majority", "tfidf"]
    lost = model_runs("majority", is_simple_baseline=True, runs=(run("majority", 0, None),))
    assert cells(BY_MODEL[1], lost, simple("tfidf", 0.2))["a"].from_simple_baseline.against == "tfidf"


def test_claims_of_a_sequential_comparison_are_made_at_its_level_once_a_look_is_whole():
    look = Look(number=1, looks=(3, 5), seeds=(0, 1, 2), level=0.01)
    at_look, usual = cells(*BY_MODEL, look=look), cells(*BY_MODEL)
    for one, other in ((at_look["b"], usual["b"]), (at_look["tfidf"], usual["tfidf"])):
        assert one.estimate.high - one.estimate.low > other.estimate.high - other.estimate.low
    assert those(at_look, lambda cell: cell.is_compared) == ["a", "c", "b", "tfidf"]
    before = cells(*BY_MODEL, look=replace(look, number=0))
    assert those(before, lambda cell: cell.is_compared) == []
    assert before["b"].estimate is not None


def test_models_near_the_best_are_found_where_there_is_a_margin_in_the_metrics_unit():
    found = cells(*BY_MODEL, baseline="a", margin=Margin(5.0, 0.05))
    assert those(found, lambda cell: cell.is_near_best) == ["c", "b"]
    assert found["b"].from_baseline.within is not None
    unknown = cells(*BY_MODEL, baseline="a", margin=Margin(5.0, None))
    assert those(unknown, lambda cell: cell.is_near_best is not None) == []


def test_a_cell_has_the_spread_over_its_seeds_and_lacks_those_that_trained_models_have():
    found = cells(*BY_MODEL, seeds("two", 0.7, count=2))
    assert {model: cell.missing_seeds for model, cell in found.items() if cell.missing_seeds} == {
        "gap": (0, 1, 2), "two": (2,)
    }  # fmt: skip
    assert found["a"].seed_deviation == pytest.approx(0.001)  # of 0.6, 0.601 and 0.599
    assert found["two"].seed_deviation == pytest.approx(0.001 / 2**0.5)
    assert found["tfidf"].seed_deviation is None
    assert (found["a"].examples, found["a"].clusters, found["gap"].examples, found["gap"].estimate) == (4, 4, 0, None)
    odd = simple("odd", 0.2)  # A seed that only a simple baseline has is missing nowhere.
    assert cells(seeds("a", 0.6), replace(odd, runs=(run("odd", 7, 0.2),)))["a"].missing_seeds == ()


def scored(folder, found):
    """The only run of a model, and what it amounts to."""
    of_model = analysis.model_runs(found, [(folder, found)], CARD, {})
    return of_model.runs[0], of_model.rescored_runs


@pytest.mark.parametrize(
    ("changes", "trouble", "short"),
    [
        ({"status": "failed", "reason": "no memory"}, "failed: no memory", "failed"),
        ({"status": "failed"}, "failed: no reason given", "failed"),
        ({"config": {"evaluate": "validation"}}, "no test score: run with --validation-only", "validation only"),
    ],
)
def test_a_run_without_a_test_score_says_why(changes, trouble, short):
    found, outcomes = scored(Path("nowhere"), record(**changes))
    assert (found.score, found.trouble, found.trouble_in_short, outcomes) == (None, trouble, short, ())


@pytest.mark.parametrize(
    ("error", "short", "other"),
    [
        (NotANumberError, "with an infinite or undefined score", False),
        (NotApplicableError, "without a score", True),
        (UserError, "without a score", False),
    ],
)
def test_predictions_that_cannot_be_scored_are_told_by_their_kind(error, short, other, monkeypatch):
    def fail(*_, **__):
        raise error("why")

    monkeypatch.setattr(analysis, "rescore", fail)
    found, outcomes = scored(Path("nowhere"), record())
    assert (found.trouble, found.trouble_in_short, found.is_not_applicable, outcomes) == ("why", short, other, ())


def test_one_answer_to_all_is_a_collapse_of_a_trained_model_alone(tmp_path):
    one_answer, right = ["negative"] * 10, list(LABELS) * 5
    for model, is_simple, predicted, fell in (
        ("bert-mini", False, one_answer, True), ("majority", True, one_answer, False), ("good", False, right, False),
    ):  # fmt: skip
        one = record(model=model, simple_baseline=is_simple)
        found, (outcome,) = scored(save(tmp_path, one, predictions(right, predicted)), one)
        assert (found.is_collapsed, outcome.is_constant) == (fell, fell)


def test_seeds_are_in_order_and_a_copy_names_its_original(tmp_path):
    rows = [{**row, "logits": [0.25, 0.5]} for row in predictions(list(LABELS) * 5, list(LABELS) * 5)]
    found = [(save(tmp_path, one, rows), one) for one in (record(seed=seed) for seed in (4, 1))]
    copied = analysis.model_runs(found[0][1], found, CARD, {})
    assert [run.record.seed for run in copied.runs] == [1, 4]
    assert [run.score for run in copied.runs] == [1.0, None]
    assert copied.runs[1].trouble == "a copy of seed 1: its numbers are the same to the bit. It is not counted."

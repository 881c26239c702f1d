"""A margin: who is not worse by more than that, told with its cost, in one family of claims."""

import csv
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from made_evidence import evidence
from scipy.stats import norm
from synthetic_runs import LABELS, add_runs, card, predictions, record, save

import harness
from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.comparison import compare
from harness.comparison.conclusions import verdict
from harness.comparison.margins import BEHIND, BETTER, WORSE, falls_short, step_down, within_margin
from harness.comparison.statistics import Evidence, difference
from harness.config.margin import Margin, Margins, margins_from_words
from harness.errors import UserError
from harness.metrics.lookup import unit_of
from harness.record import Cost, Provenance
from harness.registry import FORMATS
from harness.reporting.tables import differences

POINT = Margins(points=8.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two models that are about as good, of which one takes a fifth of the time, and one that is far behind."""
    folder = tmp_path_factory.mktemp("margins")
    for model, share, seconds in (("large", 0.85, 100.0), ("small", 0.85, 20.0), ("scratch", 0.5, 50.0)):
        cost = Cost(seconds={"train": seconds}, peak_memory_bytes=1, training_flops=1.0)
        add_runs(folder, model, share, examples=1000, cost=cost)
    return folder


@pytest.fixture
def runs(made, tmp_path):
    """A copy, which a test may change."""
    return shutil.copytree(made, tmp_path / "runs")


def said(runs, **changes):
    """The sentences about the only task that speak of a margin."""
    (task,) = compare(runs, **changes).tasks
    return [line for line in verdict(task) if "point" in line or " within " in line]


def test_a_model_that_is_not_worse_is_named_with_its_cost(runs):
    near_best, equivalent = said(runs, margins=POINT, baseline="large")
    cost = "(at 0.2 of the training time of large)"
    assert near_best == f"large and small {cost} are not worse than any other model by more than 8 points."
    assert equivalent == "small (at 0.2 of the training time) is equivalent to large within 8 points."


@pytest.mark.slow
def test_models_that_are_better_than_the_baseline_are_not_called_not_worse(runs):
    (line,) = said(runs, margins=POINT)
    assert "than any other model" in line


def test_a_margin_that_is_too_small_shows_nothing_and_says_so(runs):
    assert said(runs, margins=Margins(points=0.1)) == [
        "Which models are within 0.1 points of the best is not shown: that takes more seeds or test examples."
    ]


@pytest.mark.slow
def test_without_a_margin_nothing_is_said_of_it(runs):
    assert said(runs) == []
    assert len(differences(compare(runs).tasks[0]).headings) == 5


def test_training_times_of_other_machines_are_not_compared(runs):
    cost = Cost(seconds={"train": 1.0})
    elsewhere = Provenance(data_digest="sha256:d1", hardware={"processor": "another"})
    add_runs(runs, "elsewhere", 0.85, examples=1000, cost=cost, provenance=elsewhere)
    lines = said(runs, margins=POINT, baseline="large")
    assert "elsewhere" in lines[0]
    assert lines[0].count("training time") == 1  # small's


def test_a_model_that_was_not_tested_is_not_any_other_model(runs):
    add_runs(runs, "single", 0.95, range(1), examples=1000)
    (line,) = said(runs, margins=POINT)
    assert "not worse than any other model, single apart, by more than 8 points" in line


@pytest.mark.slow
def test_a_model_of_which_runs_collapsed_is_left_out(runs):
    """Its runs are all alike, so that a t test would take it for certain."""
    references = [LABELS[i % 2] for i in range(1000)]
    for seed in range(3):
        rows = predictions(references, [LABELS[0]] * 1000)
        save(runs, record(model="collapsed", seed=seed, scores={"test": {"accuracy": 0.5}}), rows)
    (near_best,) = (line for line in said(runs, margins=POINT) if "not worse" in line)
    assert "not worse than any other model, collapsed apart, by more than 8 points" in near_best
    (task,) = compare(runs, margins=POINT, baseline="collapsed").tasks
    assert {cell.from_baseline.within for cell in task.cells if cell.from_baseline} == {None}


def test_points_say_nothing_of_an_error_and_a_margin_of_its_own_does(tmp_path):
    rng = np.random.default_rng(0)
    references = list(rng.normal(size=400))
    task_card = card("mean_squared_error", "regression", higher_is_better=False)
    for model in ("close", "near", "scratch"):
        for seed in range(3):
            noise = 1.0 if model == "scratch" else 0.3
            rows = predictions(references, list(references + noise * rng.normal(size=400)))
            save(tmp_path, record(model=model, seed=seed, task="stsb", task_card=task_card), rows)
    (task,) = compare(tmp_path, margins=POINT).tasks
    (line,) = (line for line in verdict(task) if "margin" in line)
    assert line.startswith("The margin of 8 points does not apply to mean squared error, which is not shown in")
    assert line.endswith("give the task its own, margin = { stsb = … }.")
    (task,) = compare(tmp_path, margins=Margins(by_task={"stsb": 0.05})).tasks
    assert any("not worse than any other model by more than 0.05 in mean squared error" in one for one in verdict(task))
    assert {cell.model for cell in task.cells if cell.is_near_best} == {"close", "near"}


def test_the_test_is_that_of_the_ninety_percent_interval():
    """Independent values of one run without luck: a paired t test of the difference plus the margin."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2, 300))
    models = {
        name: ScoredModel(Evidence(one.scores, one.contributions, deterministic=True), ("test", None))
        for name, one in (("a", evidence(values[:1])), ("b", evidence(values[1:])))
    }
    from scipy.stats import ttest_1samp

    for sign in (1, -1):
        claims = claims_about(models, ["a", "b"], sign)
        expected = ttest_1samp(sign * (values[0] - values[1]) + 0.1, 0, alternative="greater").pvalue
        assert falls_short(claims, "a", "b", 0.1) == pytest.approx(expected, rel=1e-6)
        other = ttest_1samp(sign * (values[1] - values[0]) + 0.1, 0, alternative="greater").pvalue
        found = within_margin(claims, 0.1, "b").from_baseline["a"]
        assert found.not_better_p >= other


def test_worse_and_better_by_the_margin_count_as_one_hypothesis():
    raw = {("a", WORSE): 0.01, ("b", WORSE): 0.02, ("a", BETTER): 0.03, ("b", BETTER): 0.04, ("a", BEHIND): 0.2}
    assert step_down(raw) == pytest.approx(
        {("a", WORSE): 0.03, ("b", WORSE): 0.06, ("a", BETTER): 0.09, ("b", BETTER): 0.09, ("a", BEHIND): 0.2}
    )


def test_identical_predictions_are_within_any_margin():
    one = evidence([[1, 0] * 50] * 3)
    found = difference(one, one, null=-0.01)
    assert (found.value, found.p_value) == (0, 2.0**-99)
    assert difference(one, one).p_value == 1.0


def test_not_worse_than_any_other_takes_every_other_one():
    rng = np.random.default_rng(2)
    ease = rng.normal(size=1000)

    def model(skill):
        drawn = skill + ease + 0.3 * rng.normal(size=(5, 1000)) > 0
        return ScoredModel(evidence(drawn), ("test", None))

    models = {"best": model(1.0), "near": model(0.98), "far": model(0.2)}
    found = within_margin(claims_about(models, list(models), 1), 0.05, "far")
    assert found.near_best == {"best": True, "near": True, "far": False}
    assert found.from_baseline["near"].is_not_worse
    assert not found.from_baseline["near"].is_equivalent
    assert set(found.from_baseline) == {"best", "near"}
    assert within_margin(claims_about(models, list(models), 1), 0.05, None).from_baseline == {}


def test_models_of_which_runs_collapsed_are_not_set_beside_others():
    rng = np.random.default_rng(2)
    models = {name: ScoredModel(evidence(rng.random((3, 300)) < 0.8), ("test", None)) for name in ("a", "b", "c")}
    models["mixed"] = replace(models["c"], is_mixed=True)
    models["alike"] = replace(models["c"], constant_runs=3)
    assert set(within_margin(claims_about(models, list(models), 1), 0.5, "a").near_best) == {"a", "b", "c"}


def test_a_worse_model_whose_runs_differ_much_may_still_be_the_one_that_is_better_by_the_margin():
    examples = np.resize([1e-4, -1e-4], 100)
    scores = {"steady": [0.8, 0.8, 0.801], "as good": [0.799, 0.8, 0.8], "shaky": [0.5, 0.7, 0.9]}
    models = {
        name: ScoredModel(Evidence(np.array(found), np.tile(examples * place, (3, 1))), ("test", None))
        for place, (name, found) in enumerate(scores.items())
    }
    assert not any(within_margin(claims_about(models, list(models), 1), 0.05, None).near_best.values())
    steady = {name: models[name] for name in ("steady", "as good")}
    assert all(within_margin(claims_about(steady, list(steady), 1), 0.05, None).near_best.values())


def test_the_test_is_the_same_whatever_scores_are_counted_in():
    rng = np.random.default_rng(6)
    values = rng.random((2, 3, 60))

    def p_value(factor, shift):
        ours, theirs = (ScoredModel(evidence(factor * one), ("test", None)) for one in (values[0] + shift, values[1]))
        return falls_short(claims_about({"a": ours, "b": theirs}, ["a", "b"], 1), "a", "b", factor * 0.05)

    assert p_value(1.0, 0.1) == pytest.approx(p_value(1000.0, 0.1)) != 0
    assert p_value(1000.0, 0.1) < 0.5 < p_value(1000.0, -0.2)


def test_at_a_look_of_a_sequential_comparison_less_is_shown():
    rng = np.random.default_rng(5)
    ease = rng.normal(size=300)
    models = {name: ScoredModel(evidence(ease + rng.normal(size=(5, 300)) > -1), ("test", None)) for name in ("a", "b")}
    usual = within_margin(claims_about(models, ["a", "b"], 1), 0.05, "b").from_baseline["a"]
    at_look = within_margin(claims_about(models, ["a", "b"], 1, level=0.025), 0.05, "b").from_baseline["a"]
    assert at_look.not_worse_p == pytest.approx(2 * usual.not_worse_p)
    assert 0 < usual.not_worse_p < 0.5


def test_five_models_that_are_worse_by_the_margin_are_seldom_called_not_worse():
    """Estimates are drawn instead of runs; `experiments/margin_level.py` draws runs."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(2000):
        best, others = rng.normal(), rng.normal(size=5) - 3.0
        p = norm.sf((others - best + 3.0) / np.sqrt(2))
        raw = {(str(i), WORSE): float(p[i]) for i in range(5)} | {(str(i), BEHIND): float(p[i]) for i in range(5)}
        wrong += min(step_down(raw).values()) < 0.05
    assert 0.005 < wrong / 2000 < 0.065


def test_a_margin_is_read_from_words():
    assert margins_from_words([]) is None
    found = margins_from_words(["1.5", "stsb=0.05"])
    assert found == Margins(1.5, {"stsb": 0.05})
    assert found.words() == ["--margin", "1.5", "--margin", "stsb=0.05"]
    assert found.of("stsb", unit_of("mean_squared_error")) == Margin(0.05, 0.05)
    assert found.of("stsb", unit_of("pearson")) == Margin(0.05, 0.0005)
    assert found.of("boolq", unit_of("accuracy")) == Margin(1.5, 0.015)
    assert found.of("boolq", unit_of("perplexity")) == Margin(1.5, None)


@pytest.mark.parametrize("word", ["", "one", "0", "-1", "nan", "inf", "=1", "stsb=", "stsb=x", "a=b=-2"])
def test_a_word_that_is_no_margin_is_refused(word):
    with pytest.raises(UserError, match="--margin: must be a number above 0, or TASK=NUMBER"):
        margins_from_words([word])


@pytest.mark.slow_but_first
@pytest.mark.parametrize("value", [0, -1.0, True, "1", {}, {"rotten_tomatoes": 0}, float("nan")])
def test_a_value_that_is_no_margin_is_refused_in_python(runs, value):
    with pytest.raises(
        UserError, match=r"compare: margin: must be a number above 0, or a table with one for each task"
    ):
        harness.compare(runs, margin=value)


def test_a_task_that_is_not_there_is_named(runs):
    with pytest.raises(UserError, match=r"margin 'rotten_tomatos': no such task in .*Did you mean rotten_tomatoes"):
        harness.compare(runs, margin={"rotten_tomatos": 1})


@pytest.mark.slow
def test_every_format_and_the_rows_have_the_margin(runs):
    results = compare(runs, margins=POINT, baseline="large")
    for name in ("html", "markdown", "latex"):
        text = FORMATS.load(name)(results).replace(r"\\", " ")  # LaTeX breaks the lines of its heads by these.
        assert "is equivalent to large within 8 points" in text
        assert "Within 8 points" in text
    assert "--margin 8" in FORMATS.load("html")(results)
    row = {row["model"]: row for row in csv.DictReader(io.StringIO(FORMATS.load("csv")(results)))}["small"]
    assert (row["margin"], row["is_near_best"]) == ("0.08", "True")
    told = {row["model"]: row for row in harness.Comparison(results).rows("differences")}["small"]
    assert (told["margin"], told["not_worse_p"]) == (0.08, float(row["not_worse_than_baseline_adjusted_p"]))


@pytest.mark.slow
def test_a_report_of_a_suites_runs_has_the_suites_margin(runs):
    folder = runs / "reviews"
    (folder / "suite.json").write_text(json.dumps({"baseline": "large", "margin": {"rotten_tomatoes": 8, "later": 1}}))
    assert compare(folder).tasks[0].margin == Margin(8, 0.08)
    assert compare(folder, margins=Margins(points=1.0)).tasks[0].margin == Margin(1.0, 0.01)
    (folder / "suite.json").write_text(json.dumps({"margin": "much"}))
    comparison = compare(folder)
    assert any("suite.json: margin: not as a suite writes it" in line for line in comparison.problems)
    assert comparison.margins is None

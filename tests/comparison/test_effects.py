"""Sizes that people read: how often a new run wins, and how many test examples each model wins."""

import csv
import io

import numpy as np
import pytest
from scipy.stats import nct, norm
from synthetic_runs import LABELS, add_runs, card, predictions, record, save

import harness
from harness.comparison.comparison import compare
from harness.comparison.effects import flips, run_wins
from harness.comparison.statistics import Evidence
from harness.registry import FORMATS
from harness.reporting.tables import effects


def runs_of(scores, *, deterministic=False):
    """Evidence of which only the scores matter here."""
    return Evidence(np.array(scores, dtype=float), np.zeros((len(scores), 0)), deterministic=deterministic)


def test_the_chance_is_that_of_two_normal_runs():
    ours, theirs = runs_of([0.8, 0.82, 0.84]), runs_of([0.78, 0.80, 0.82])  # means 0.82 and 0.80, deviations 0.02
    found = run_wins(ours, theirs, 1)
    assert found.value == pytest.approx(norm.cdf(0.02 / (0.02 * np.sqrt(2))))
    # The noncentral t of t = 0.02 / (0.02 sqrt(2/3)) with 4 degrees of freedom leaves 2.5 % beyond either end.
    for end, beyond in ((found.low, 0.975), (found.high, 0.025)):
        assert nct.cdf(1.5**0.5, 4, norm.ppf(end) * 3**0.5) == pytest.approx(beyond, rel=1e-6)
    assert found.low < found.value < found.high
    back = run_wins(theirs, ours, 1)
    assert (back.value, back.low, back.high) == pytest.approx(
        (1 - found.value, 1 - found.high, 1 - found.low), abs=1e-6
    )
    assert run_wins(ours, theirs, -1).value == pytest.approx(back.value)


def test_a_single_seed_and_no_spread_have_no_chance():
    several = runs_of([0.8, 0.9])
    assert run_wins(runs_of([0.9]), several, 1) is None
    assert run_wins(runs_of([0.9], deterministic=True), runs_of([0.8], deterministic=True), 1) is None
    assert run_wins(runs_of([0.8, 0.8]), runs_of([0.9, 0.9]), 1) is None
    assert run_wins(runs_of([0.85], deterministic=True), several, 1).value == pytest.approx(0.5)


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("seeds", "deviations", "gain"),
    [(3, (1, 1), 0.7), (3, (1, 1), 0.0), (3, (1, 3), 1.0), (5, (1, 1), 2.0), (10, (1, 0), 1.0)],
)
def test_the_interval_covers_the_true_chance(seeds, deviations, gain):
    rng = np.random.default_rng(4)
    truth, covered = norm.cdf(gain / np.hypot(*deviations)), 0
    for _ in range(500):
        ours, theirs = (rng.normal(size=seeds) * deviation for deviation in deviations)
        found = run_wins(
            runs_of(ours + gain), runs_of(theirs[: seeds if deviations[1] else 1], deterministic=not deviations[1]), 1
        )
        covered += found.low <= truth <= found.high
    assert 0.92 < covered / 500 <= 0.99


def test_flips_are_counted_over_pairs_of_runs():
    ours = [np.array([1.0, 1, 0, 0]), np.array([1.0, 1, 1, 0])]
    theirs = [np.array([1.0, 0, 1, 0])]
    found = flips(ours, theirs, 1)
    assert (found.won, found.lost) == (1.0, 0.5)
    assert flips(ours, theirs, -1) == flips(theirs, ours, 1)


def test_flips_of_a_report_are_those_of_its_predictions(tmp_path):
    labels = ["negative", "positive"] * 5
    for model, wrong in (("scratch", (0, 1, 2)), ("bert-mini", (2, 3))):
        for seed in range(2):
            guessed = [label if place not in wrong else "other" for place, label in enumerate(labels)]
            rows = predictions(labels, guessed, groups=["a"] * 4 + ["b"] * 6)
            save(tmp_path, record(model=model, seed=seed), rows)
    cell = next(cell for cell in compare(tmp_path).tasks[0].cells if cell.model == "bert-mini")
    assert (cell.from_baseline.flips.won, cell.from_baseline.flips.lost) == (2, 1)


def test_equal_values_of_runs_with_other_means_are_no_flips(tmp_path):
    """Values are recovered from influences, which leaves rounding."""
    labels = ["negative", "positive"] * 150 + ["negative"]
    for model, wrong in (("scratch", 97), ("bert-mini", 31)):
        guessed = ["other" if place < wrong else label for place, label in enumerate(labels)]
        save(tmp_path, record(model=model), predictions(labels, guessed))
    cell = next(cell for cell in compare(tmp_path).tasks[0].cells if cell.model == "bert-mini")
    assert (cell.from_baseline.flips.won, cell.from_baseline.flips.lost) == (66, 0)


def test_less_is_better_for_errors_and_a_metric_that_is_no_mean_has_no_flips(tmp_path):
    references = [1.0, 2.0, 3.0, 4.0]
    for metric, higher in (("mean_squared_error", False), ("pearson", True)):
        for model, guessed in (("scratch", [0.0, 2.5, 3.0, 4.0]), ("close", [1.1, 2.0, 3.0, 4.5])):
            task_card = card(metric, "regression", higher_is_better=higher)
            save(tmp_path, record(model=model, task=metric, task_card=task_card), predictions(references, guessed))
    found = {task.task: task.cells[0].from_baseline for task in compare(tmp_path).tasks}
    assert (found["mean_squared_error"].flips.won, found["mean_squared_error"].flips.lost) == (2, 1)
    assert found["pearson"].flips is None


def test_they_are_in_the_details_the_csv_and_the_rows_and_not_in_the_main_tables(tmp_path):
    add_runs(tmp_path, "bert-mini", 0.82)
    add_runs(tmp_path, "scratch", 0.70)
    results = compare(tmp_path)
    table = effects(results.tasks[0])
    assert table.headings == ("Model", "A new run wins", "95 % interval, unadjusted", "Examples won", "Examples lost")
    page = FORMATS.load("html")(results)
    assert page.index("What the differences amount to") > page.index("rotten_tomatoes: difference from scratch")
    assert "A new run wins" not in FORMATS.load("markdown")(results)
    row = next(row for row in csv.DictReader(io.StringIO(FORMATS.load("csv")(results))) if row["model"] == "bert-mini")
    told = harness.Comparison(results).rows("differences")[0]
    assert told["model"] == "bert-mini"
    assert told["run_wins"] == float(row["run_wins_against_baseline"])
    assert told["examples_won"] == float(row["examples_won_against_baseline"]) > told["examples_lost"]


def test_runs_of_which_some_collapsed_have_no_chance_and_still_flips(tmp_path):
    references = [LABELS[i % 2] for i in range(400)]
    add_runs(tmp_path, "bert-mini", 0.9, range(2))
    save(tmp_path, record(model="bert-mini", seed=2), predictions(references, [LABELS[0]] * 400))
    add_runs(tmp_path, "scratch", 0.7)
    found = next(cell for cell in compare(tmp_path).tasks[0].cells if cell.model == "bert-mini").from_baseline
    assert found.run_wins is None
    assert found.flips.won > 0


def test_a_chance_is_never_shown_as_certain(tmp_path):
    add_runs(tmp_path, "bert-mini", 0.95)
    add_runs(tmp_path, "scratch", 0.40)
    (row,) = effects(compare(tmp_path).tasks[0]).rows
    assert row[1].text == "> 99 %"

"""How far probabilities can be believed."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from synthetic_runs import LABELS, predictions, record, save

from harness.comparison.statistics import Estimate
from harness.error_analysis.answered import answered_tasks
from harness.error_analysis.probabilities import Bin, Reliability, bin_interval, calibration_error, reliability
from harness.registry import TASK_TYPES
from harness.reporting.errors import believed
from harness.task_types.analysed import Forecasts


def saved(folder, logits, right, groups=None):
    """A run that says "positive" with these logits, and is right or wrong."""
    references = [LABELS[1] if ok else LABELS[0] for ok in right]
    rows = predictions(references, [LABELS[1]] * len(right), groups)
    rows = [{**row, "logits": [0.0, float(logit)]} for row, logit in zip(rows, logits, strict=True)]
    return save(folder, record(seed=0, scores={"test": {"accuracy": float(np.mean(right))}}), rows)


def estimate(value, low, high):
    return Estimate(value, 0.0, low, high, None, includes_seeds=False)


def reliability_in(folder):
    (task,) = answered_tasks(folder)
    return reliability(task, task.first)


def test_the_error_is_the_gap_between_probability_and_share_of_each_bin_by_its_size(tmp_path):
    # 60 forecasts of 0.9, of which 45 come true; 40 of 0.6, of which 24 do: 0.6 * 0.15 + 0.4 * 0.0.
    logits = [np.log(9)] * 60 + [np.log(1.5)] * 40
    right = [True] * 45 + [False] * 15 + [True] * 24 + [False] * 16
    found = reliability_in(saved(tmp_path / "runs", logits, right))
    assert found.error.value == pytest.approx(0.09)
    assert found.error.low <= 0.09 <= found.error.high
    # Both labels' squares: 2 * 0.01 where 0.9 comes true, 2 * 0.81 where not; 2 * 0.16 and 2 * 0.36.
    assert found.brier.value == pytest.approx((45 * 0.02 + 15 * 1.62 + 24 * 0.32 + 16 * 0.72) / 100)
    assert [(one.forecasts, round(one.probability, 6), one.share) for one in found.bins] == [
        (40, 0.6, 0.6), (60, 0.9, 0.75),
    ]  # fmt: skip


def test_a_model_that_is_right_about_itself_is_not_said_to_be_off_and_one_that_is_too_sure_is(tmp_path):
    rng = np.random.default_rng(0)
    logits = np.abs(rng.normal(0, 2, 1500))
    right = rng.random(1500) < 1 / (1 + np.exp(-logits))
    honest = reliability_in(saved(tmp_path / "honest", logits, right))
    sure = reliability_in(saved(tmp_path / "sure", 3 * logits, right))
    assert honest.error.low == 0 < honest.error.value
    assert 0 < sure.error.low < sure.error.value < sure.error.high
    grouped = reliability_in(saved(tmp_path / "grouped", 3 * logits, right, [f"g{n // 100}" for n in range(1500)]))
    assert grouped.error.value == pytest.approx(sure.error.value)


def error_of(probabilities, outcomes, clusters=None):
    found, came = np.array(probabilities, dtype=float), np.array(outcomes, dtype=float)
    forecasts = Forecasts(found, came, np.arange(len(found)), (found - came) ** 2)
    return calibration_error([forecasts], np.arange(len(found)) if clusters is None else np.array(clusters))


def test_a_model_that_is_always_right_may_still_be_too_sure():
    # Wilson's interval of 10 of 10, by hand: from 1 / (1 + 1.96² / 10) = 0.7225 on.
    sure = error_of([1.0] * 10, [1] * 10)
    assert (sure.value, sure.low, sure.high) == pytest.approx((0.0, 0.0, 0.2775), abs=1e-4)
    unsure = error_of([0.5] * 10, [1] * 10)
    assert (unsure.value, unsure.low, unsure.high) == pytest.approx((0.5, 0.2225, 0.5), abs=1e-4)


def test_one_example_or_one_group_shows_no_error_for_certain():
    for found in (error_of([0.9], [1]), error_of([0.9] * 50, [1] * 30 + [0] * 20, [0] * 50)):
        assert found.low == 0
        assert found.high > 0.6


@pytest.mark.parametrize(
    ("probability", "share", "examples"), [(0.99, 0.97, 50), (0.999, 0.995, 200), (0.99, 0.99, 50)]
)
def test_the_interval_holds_the_true_error_where_nearly_all_are_right(probability, share, examples):
    rng, held = np.random.default_rng(0), 0
    for _ in range(40):
        found = error_of([probability] * examples, rng.random(examples) < share)
        held += found.low <= probability - share + 1e-9 <= found.high + 2e-9
    assert held >= 37  # The bootstrap alone: 19, 28 and 17.


def test_a_gap_that_happens_to_be_small_may_be_as_large_as_its_standard_error_allows():
    found = error_of([0.5] * 200, [0, 1] * 100)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1.96 * np.sqrt(0.25 / 200), rel=0.1)


def test_the_bars_of_a_curve_are_not_shorter_for_another_seed_of_the_same_examples():
    assert bin_interval(Bin(300, 0.9, 0.8), 3) == bin_interval(Bin(100, 0.9, 0.8))


@pytest.mark.parametrize(
    ("shares", "low", "said"),
    [
        ((0.8, 0.4), 0.12, "off, in both directions"),  # 90 % of which 80 come true, 30 % of which 40 do: 0 on average.
        ((0.8, 0.35), 0.10, "off, in both directions"),  # +2.5 points, where chance explains 5.
        ((0.7, 0.2), 0.10, "too high by 15.0 points on average"),
        ((0.95, 0.45), 0.10, "too low by 10.0 points on average"),
        ((0.7, 0.2), 0.0, "not shown to be off"),
    ],
)
def test_probabilities_are_said_to_be_too_high_only_by_more_than_chance_explains(shares, low, said):
    bins = tuple(Bin(100, probability, share) for probability, share in zip((0.9, 0.3), shares, strict=True))
    found = Reliability(estimate(0.15, low, 0.2), estimate(0.3, 0.2, 0.4), bins)
    (row,) = believed(SimpleNamespace(task="t", models=()), {"m": found}).rows
    assert row[-1].text == said


@pytest.mark.slow
def test_seeds_of_which_some_gave_one_answer_to_all_have_a_brier_score_without_an_interval(tmp_path, command):
    runs = tmp_path / "runs"
    for seed in range(3):
        predicted = [LABELS[1]] * 8 if seed == 2 else list(LABELS) * 4
        rows = predictions(list(LABELS) * 4, predicted)
        odds = np.log(3) + 1e-9 * seed  # No two seeds are copies.
        rows = [{**row, "logits": [0.0, odds if row["prediction"] == LABELS[1] else -odds]} for row in rows]
        save(runs, record(seed=seed, scores={"test": {"accuracy": 0.5 if seed == 2 else 1.0}}), rows)
    found = reliability_in(runs)
    # Both labels' squares: 2 / 16 where 3/4 comes true, 2 * 9 / 16 where not, which is half of the third seed's.
    assert found.brier.value == pytest.approx((2 * 2 / 16 + (2 / 16 + 18 / 16) / 2) / 3)
    assert (found.brier.low, found.brier.high) == (None, None)
    shown = command("errors", runs, "--by", "probability")
    assert (shown.code, "0.292" in shown.output, "0.292 (" in shown.output) == (0, True, False)
    assert json.loads(command("errors", runs, "--by", "probability", "--json").output)[0]["models"]["bert-mini"][
        "brier"
    ] == {"score": found.brier.value, "low": None, "high": None}


@pytest.mark.slow
def test_what_keeps_no_probabilities_is_told(tmp_path, command):
    folder = save(tmp_path / "runs", record(seed=0), predictions(list(LABELS), list(LABELS)))
    assert "have no label probabilities" in command("errors", folder, "--by", "probability").errors
    kept = saved(tmp_path / "kept", [1.0, 2.0, 3.0], [True, False, True])
    (content,) = json.loads(command("errors", kept, "--by", "probability", "--json").output)
    assert content["models"]["bert-mini"]["curve"][0]["forecasts"] == 1
    assert "Calibration error" in command("errors", kept, "--by", "probability").output


def test_each_label_of_a_set_is_a_forecast_of_its_own():
    import pyarrow

    table = pyarrow.table({"reference": [["a"]], "prediction": [["a"]], "logits": [[0.0, np.log(3)]]})
    found = TASK_TYPES.load("multi_label").forecasts(table, ("a", "b"))
    assert found.probabilities == pytest.approx([0.5, 0.75])
    assert found.outcomes.tolist() == [1, 0]
    assert found.squares == pytest.approx([(0.25 + 0.5625) / 2])

"""How far probabilities can be believed."""

import json

import numpy as np
import pytest
from synthetic_runs import LABELS, predictions, record, save

from harness.error_analysis.answered import answered_tasks
from harness.error_analysis.probabilities import reliability
from harness.registry import TASK_TYPES


def saved(folder, logits, right, groups=None):
    """A run that says "positive" with these logits, and is right or wrong."""
    references = [LABELS[1] if ok else LABELS[0] for ok in right]
    rows = predictions(references, [LABELS[1]] * len(right), groups)
    rows = [{**row, "logits": [0.0, float(logit)]} for row, logit in zip(rows, logits, strict=True)]
    return save(folder, record(seed=0, scores={"test": {"accuracy": float(np.mean(right))}}), rows)


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


def test_what_keeps_no_probabilities_is_told(tmp_path, command):
    folder = save(tmp_path / "runs", record(seed=0), predictions(list(LABELS), list(LABELS)))
    assert "keep no probabilities" in command("errors", folder, "--by", "probability").errors
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

"""From which probability on a label is predicted, where several may be: chosen on validation, if it is asked for."""

import json

import numpy as np
import pytest
from command_line import read_predictions
from sklearn.metrics import f1_score
from small_models import LABELS, Silent, own_run, text_examples

from harness.config.run import LocalData
from harness.config.training import Training
from harness.registry import TASK_TYPES
from harness.runs.execution import Options, execute
from harness.runs.predict import predict_rows
from harness.task_types.texts import TextExample
from harness.task_types.thresholds import best_threshold

NAMES = ("a", "b")


def brute_force(probabilities, wanted):
    return max(f1_score(wanted, probabilities > limit, zero_division=0) for limit in [*probabilities, -1.0])


@pytest.mark.slow_but_first
@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_higher_f1(seed):
    draw = np.random.default_rng(seed)
    wanted = draw.random(40) < 0.3
    probabilities = np.round(np.clip(0.3 * wanted + draw.random(40) * 0.6, 0, 1), 1 + seed % 2)  # with ties
    limit = best_threshold(probabilities, wanted)
    assert f1_score(wanted, probabilities > limit) == pytest.approx(brute_force(probabilities, wanted))


def test_where_nothing_can_be_learnt_of_it_a_threshold_stays_in_the_middle():
    assert best_threshold(np.array([0.1, 0.9]), np.array([False, False])) == 0.5
    assert best_threshold(np.array([0.2, 0.8]), np.array([False, True])) == 0.5


def test_a_threshold_divides_probabilities_that_are_neighbouring_floats():
    probabilities = np.array([1.0, np.nextafter(1.0, 0.0), 0.2])
    assert list(probabilities > best_threshold(probabilities, np.array([True, False, False]))) == [True, False, False]


def objective(**settings):
    return TASK_TYPES.load("multi_label").objective(NAMES, Training(**settings))


# Probabilities of a: 0.12, 0.27, 0.73; of b: 0.88, 0.95, 0.99.
OUTPUTS = np.array([[-2.0, 2.0], [-1.0, 3.0], [1.0, 5.0]], dtype=np.float32)
EXAMPLES = [TextExample("1", "x", ()), TextExample("2", "y", (0,)), TextExample("3", "z", (0, 1))]


def test_each_label_has_the_threshold_of_its_own_best_f1():
    made = objective(thresholds="per_label")
    chosen = made.calibration(OUTPUTS, EXAMPLES)
    assert chosen == {"threshold.a": pytest.approx(0.1941, abs=1e-3), "threshold.b": pytest.approx(0.9729, abs=1e-3)}
    rows = made.rows(OUTPUTS, EXAMPLES, chosen)
    assert [row["prediction"] for row in rows] == [row["reference"] for row in rows] == [[], ["a"], ["a", "b"]]


def test_one_threshold_is_of_all_labels_together():
    made = objective(thresholds="one")
    chosen = made.calibration(OUTPUTS, EXAMPLES)
    wanted = np.array([[0, 0], [1, 0], [1, 1]])
    probabilities = 1 / (1 + np.exp(-OUTPUTS.astype(float)))
    assert chosen.keys() == {"threshold"}
    found = f1_score(wanted, probabilities > chosen["threshold"], average="micro")
    assert found == pytest.approx(brute_force(probabilities.ravel(), wanted.ravel()))


def test_without_the_setting_a_label_is_predicted_from_one_half_on():
    made = objective()
    assert made.calibration(OUTPUTS, EXAMPLES) == {}
    assert [row["prediction"] for row in made.rows(OUTPUTS, EXAMPLES, {})] == [["b"], ["b"], ["a", "b"]]


@pytest.mark.slow
def test_a_run_records_its_thresholds_and_predicts_by_them(checkpoints, tmp_path):
    files = {}
    for split, seed in (("train", 0), ("validation", 1), ("test", 2)):
        rows = [{"text": e.text, "label": [LABELS[e.target]]} for e in text_examples(40, seed=seed)]
        file = tmp_path / f"{split}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        files[split] = str(file)
    own = LocalData(**files, task_type="multi_label")
    run = own_run(tmp_path / "runs", own, checkpoints["bert"], thresholds="per_label", class_weights="balanced")
    record = execute(run, Options(), Silent())
    assert record.calibration.keys() == {"threshold.bad", "threshold.good"}
    assert any(note.startswith("thresholds chosen on validation") for note in record.notes)
    assert any(
        note.startswith("class weights, of a label's yes against its no: bad 1, good 1") for note in record.notes
    )
    rows = read_predictions(run.folder)
    limits = [record.calibration[f"threshold.{label}"] for label in record.task_card.labels]
    for row in rows:
        said = 1 / (1 + np.exp(-np.array(row["logits"])))
        expected = [name for name, p, limit in zip(record.task_card.labels, said, limits, strict=True) if p > limit]
        assert row["prediction"] == expected
    texts = [{"text": e.text} for e in text_examples(40, seed=2)]
    again = predict_rows(run.folder, texts)
    assert [row["prediction"] for row in again] == [row["prediction"] for row in rows]

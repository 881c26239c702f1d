"""`harness predict --threshold` and `harness errors --by threshold`: labels from another probability on."""

import json

import numpy as np
import pytest
from command_line import reviews, write_jsonl
from synthetic_runs import card, predictions, record, save

from harness.registry import TASK_TYPES


@pytest.fixture
def run(command, tmp_path):
    rows = [{**row, "label": "good" if number % 5 == 0 else row["label"]} for number, row in enumerate(reviews(90))]
    files = [
        word
        for place, name in enumerate(("train", "validation", "test"))
        for word in (f"--{name}", write_jsonl(tmp_path / f"{name}.jsonl", rows[place::3]))
    ]
    assert command("run", "--model", "tfidf", *files).code == 0
    (found,) = tmp_path.rglob("run.json")
    return found.parent


@pytest.mark.slow
def test_a_number_or_the_validation_split_decides_between_two_labels(command, run):
    text = "film number 7 was superb"
    sure = json.loads(command("predict", run, "--text", text).output)["probabilities"]["good"]
    for threshold, label in ((sure - 0.01, "good"), (sure + 0.01, "bad")):
        found = json.loads(command("predict", run, "--text", text, "--threshold", f"{threshold:.4f}").output)
        assert found["prediction"] == label
    # Behind the temperature: a half stays a half, and what is above it comes nearer.
    words = ("--text", text, "--temperature", "50", "--threshold", "0.6")
    assert json.loads(command("predict", run, *words).output)["prediction"] == "bad"
    found = command("predict", run, "--text", text, "--threshold", "validation")
    assert "the best F1 of 30 decisions on the validation split" in " ".join(found.errors.split())
    line = " ".join(command("predict", run, "--text", "a", "--threshold", "1.5").errors.split())
    assert line.endswith("threshold: must be a number above 0 and below 1, or \"validation\" (got '1.5').")


def test_of_several_labels_one_threshold_decides_each_and_of_three_that_exclude_each_other_none():
    of_sets, of_one = TASK_TYPES.load("multi_label"), TASK_TYPES.load("classification")
    chances = [[0.9, 0.4], [0.3, 0.2]]
    wanted = [["a", "b"], ["a"]]
    answers = [
        {"logits": np.log(np.array(one) / (1 - np.array(one))).tolist(), "prediction": [], "reference": right}
        for one, right in zip(chances, wanted, strict=True)
    ]

    def predicted(threshold):
        settings = of_sets.predict_settings(threshold=threshold)
        found = of_sets.recalibrated(answers, lambda: answers, ("a", "b"), settings)
        return [one["prediction"] for one in found]

    assert predicted(0.35) == [["a", "b"], []]
    assert predicted("validation") == wanted  # above 0.25, halfway between 0.2 and 0.3
    with pytest.raises(Exception, match="--threshold: is for two labels, but this run has 3"):
        of_one.recalibrated([], list, ("a", "b", "c"), of_one.predict_settings(threshold=0.3))


@pytest.mark.slow
def test_thresholds_of_recorded_probabilities_have_their_precision_and_recall(command, tmp_path):
    references = ["negative"] * 6 + ["positive"] * 4
    chances = [0.05, 0.15, 0.15, 0.25, 0.55, 0.75, 0.35, 0.65, 0.85, 0.95]
    rows = predictions(references, ["positive" if chance > 0.5 else "negative" for chance in chances])
    for row, chance in zip(rows, chances, strict=True):
        row["logits"] = [0.0, float(np.log(chance / (1 - chance)))]
    folder = save(tmp_path / "runs", record(task_card=card("accuracy"), scores={"test": {"accuracy": 0.7}}), rows)
    (found,) = json.loads(command("errors", folder, "--by", "threshold", "--json").output)
    by_threshold = {row["threshold"]: row for row in found["models"]["bert-mini"]}
    assert by_threshold[0.6]["predicted"] == 4
    assert [by_threshold[0.6][name]["score"] for name in ("precision", "recall", "F1")] == [3 / 4, 3 / 4, 3 / 4]
    assert [by_threshold[0.3][name]["score"] for name in ("precision", "recall")] == [4 / 6, 1.0]
    assert "positive is predicted above a probability" in command("errors", folder, "--by", "threshold").output
    kept_none = save(tmp_path / "none", record(), predictions(references, references))
    assert "or no probabilities" in command("errors", kept_none, "--by", "threshold").errors

"""`harness errors`: the test examples that a run gets most wrong, with their texts."""

import json
import math

import pytest
from command_line import reviews, write_jsonl

from harness.registry import TASK_TYPES
from harness.runs.mistakes import worst

LABELS = ("bad", "good")


@pytest.mark.parametrize(
    ("task_type", "answer", "wrongness"),
    [
        ("classification", {"reference": "bad", "prediction": "good", "logits": [0.0, math.log(3)]}, math.log(4)),
        ("classification", {"reference": "good", "prediction": "good", "logits": [-2e3, 2e3]}, 0.0),
        ("classification", {"reference": "bad", "prediction": "good", "logits": None}, 1.0),
        ("multi_label", {"reference": ["bad"], "prediction": [], "logits": [0.0, 0.0]}, math.log(2)),
        ("multi_label", {"reference": ["bad"], "prediction": ["good"]}, 2.0),
        ("regression", {"reference": 2.0, "prediction": -1.5}, 3.5),
        ("question_answering", {"reference": ["the old town"], "prediction": "old"}, 1 - 2 / 3),
        ("question_answering", {"reference": [], "prediction": ""}, 0.0),
        ("token_classification", {"reference": ["O", "B-X"], "prediction": ["O", "O"]}, 1.0),
    ],
)
def test_each_task_type_says_how_wrong_an_answer_is(task_type, answer, wrongness):
    assert TASK_TYPES.load(task_type).wrongness(answer, LABELS) == pytest.approx(wrongness, abs=1e-12)


@pytest.fixture
def run(command, tmp_path):
    rows = [{**row, "label": "good" if number % 5 == 0 else row["label"]} for number, row in enumerate(reviews(60))]
    train, test = write_jsonl(tmp_path / "a.jsonl", rows[:40]), write_jsonl(tmp_path / "b.jsonl", rows[40:])
    assert command("run", "--model", "tfidf", "--train", train, "--test", test).code == 0
    (record,) = tmp_path.rglob("run.json")
    return record.parent


@pytest.mark.slow
def test_the_worst_come_first_with_their_texts(run, command):
    found = worst(run, 100)
    assert [row["wrongness"] for row in found] == sorted((row["wrongness"] for row in found), reverse=True)
    wrong = [row for row in found if row["reference"] != row["prediction"]]
    assert wrong
    assert wrong == found[: len(wrong)]
    assert all("film number" in row["texts"][0] for row in found)
    output = command("errors", run, "--worst", "1").output
    assert f"is {found[0]['reference']}, predicted {found[0]['prediction']}" in output
    assert found[0]["texts"][0] in output
    every = command("errors", run, "--worst", "100").output
    assert every.count("(right, but not with certainty)") == len(found) - len(wrong)
    assert json.loads(command("errors", run, "--worst=2", "--json").output) == json.loads(json.dumps(found[:2]))


@pytest.mark.slow
def test_without_the_data_the_rest_is_shown(run, command, tmp_path):
    (tmp_path / "b.jsonl").write_text('{"text": "another", "label": "good"}\n')
    result = command("errors", run, "--worst", "1")
    assert result.code == 0
    assert "predicted" in result.output
    assert "film number" not in result.output
    assert "without texts, as its data can't be read again" in " ".join(result.errors.split())


@pytest.mark.slow
def test_what_has_no_predictions_is_told(run, command, tmp_path):
    (run / "predictions.parquet").write_bytes(b"PAR1")
    assert "predictions.parquet" in command("errors", run).errors
    assert "no run, but a folder that holds 1" in command("errors", tmp_path).errors


def test_worst_examples_and_parts_are_not_shown_together(command, tmp_path):
    found = command("errors", tmp_path, "--by", "label", "--worst", "3")
    assert (found.code, "--worst 3 shows examples" in found.errors) == (2, True)

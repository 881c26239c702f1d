"""`harness predict --temperature`: probabilities that fit the validation split, and the same labels."""

import json

import numpy as np
import pytest
from command_line import reviews, write_jsonl

from harness.task_types.classification.temperature import fitted_temperature, temperature_on


def test_the_temperature_that_made_probabilities_too_sure_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    raised = np.exp(logits)
    drawn = (raised / raised.sum(axis=1, keepdims=True)).cumsum(axis=1) > rng.random((20_000, 1))
    assert fitted_temperature(3 * logits, drawn.argmax(axis=1)) == pytest.approx(3, rel=0.03)


@pytest.mark.parametrize(("right", "is_limit"), [(1, True), (3, False)])
def test_a_temperature_at_the_end_of_what_is_tried_is_told(right, is_limit, capsys):
    references = ["b"] * right + ["a"] * (4 - right)
    rows = [{"prediction": "b", "reference": reference, "logits": [0.0, 3.0]} for reference in references]
    found = temperature_on(rows, ("a", "b"))
    assert (found == pytest.approx(20, rel=1e-3)) == is_limit
    assert ("an end of what is tried" in " ".join(capsys.readouterr().err.split())) == is_limit


@pytest.fixture
def run(command, tmp_path):
    rows = [{**row, "label": "good" if number % 5 == 0 else row["label"]} for number, row in enumerate(reviews(90))]
    files = {name: write_jsonl(tmp_path / f"{name}.jsonl", rows[place::3]) for place, name in enumerate(FILES)}
    assert (
        command("run", "--model", "tfidf", *(word for name in FILES for word in (f"--{name}", files[name]))).code == 0
    )
    (record,) = tmp_path.rglob("run.json")
    return record.parent


FILES = ("train", "validation", "test")


def predicted(command, run, *words):
    found = command("predict", run, "--text", "film number 7 was superb", *words)
    assert found.code == 0, found.errors
    return json.loads(found.output), found.errors


@pytest.mark.slow
def test_a_number_divides_the_logits_and_leaves_the_label(command, run):
    plain, _ = predicted(command, run)
    cooled, _ = predicted(command, run, "--temperature", "2")
    assert cooled["prediction"] == plain["prediction"]
    odds = [np.log(one["probabilities"]["good"] / one["probabilities"]["bad"]) for one in (plain, cooled)]
    assert odds[1] == pytest.approx(odds[0] / 2, abs=2e-3)


@pytest.mark.slow
def test_it_is_fitted_on_the_validation_split_and_told(command, run, tmp_path):
    fitted, told = predicted(command, run, "--temperature", "validation")
    assert "fitted on 30 validation rows" in " ".join(told.split())
    temperature = float(told.split("temperature ")[1].split(",")[0])
    given, _ = predicted(command, run, "--temperature", str(temperature))
    assert fitted["probabilities"]["good"] == pytest.approx(given["probabilities"]["good"], abs=2e-3)
    assert "temperature" in command("predict", run, "--text", "x", "--temperature", "warm").errors
    (tmp_path / "validation.jsonl").write_text('{"text": "another", "label": "good"}\n')
    assert "data has changed" in command("predict", run, "--text", "x", "--temperature", "validation").errors


@pytest.mark.slow
@pytest.mark.parametrize("given", ["0", "nan", "validaton"])
def test_what_is_no_temperature_is_told_in_one_line(given, command, run):
    (line,) = command("predict", run, "--text", "a", "--temperature", given).lines
    assert line.endswith(f'temperature: must be a number above 0, or "validation" (got {given!r}).')

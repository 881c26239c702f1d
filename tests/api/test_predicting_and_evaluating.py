"""predict and evaluate: a finished run at work on rows that it has not seen."""

import json
from pathlib import Path

import pandas as pd
import pytest
from command_line import reviews, write_csv

import harness
from harness.export.writing import Wanted, export_to

MODELS = ["bert", "tfidf", "majority"]
TEXTS = ["a lovely film", "dull and boring"]


@pytest.fixture
def later():
    """Reviews that came in after the runs."""
    return [{"review": row["text"], "stars": row["label"]} for row in reviews(20, start=500)]


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_texts_rows_frames_and_files_get_the_same_predictions(finished, tmp_path, model):
    run, rows = finished[model], [{"review": text} for text in TEXTS]
    expected = harness.predict(run, TEXTS)
    assert [row["review"] for row in expected] == TEXTS
    assert all(sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-3) for row in expected)
    file = write_csv(tmp_path / "new.csv", rows)
    for given in (rows, tuple(TEXTS), pd.DataFrame(rows), pd.Series(TEXTS), file, str(file)):
        assert harness.predict(run, given) == expected
    assert harness.predict(run.folder, TEXTS) == harness.predict(str(run.folder), TEXTS) == expected


def test_a_file_with_another_separator_and_encoding_gets_the_same_predictions(finished, tmp_path):
    run, file = finished["majority"], tmp_path / "new.csv"
    file.write_bytes("id~review\n1~приятный фильм\n".encode("cp1251"))
    (row,) = harness.predict(run, file, separator="~", encoding="cp1251")
    assert (row["id"], row["review"]) == ("1", "приятный фильм")
    with pytest.raises(harness.UserError, match="encoding: Python knows no such encoding"):
        harness.predict(run, file, encoding="cp9999")


def test_predictions_are_those_of_the_command(command, finished):
    output = command("predict", finished["bert"].folder, "--text", TEXTS[0]).output
    assert [json.loads(output)] == harness.predict(finished["bert"], TEXTS[:1])


def test_no_rows_have_no_predictions(finished):
    assert harness.predict(finished["bert"], []) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a lovely film", r"no such file \(got 'a lovely film'\). If it is a text, give it in a list"),
        ([("one", "two")], "its task reads --text"),
        ([{"text": "x"}], "no column 'review'"),
        ([3], r"neither a file nor rows \(got 3\)"),
        ({"review": ["x"]}, "neither a file nor rows"),
        ([{"review": "x", "prediction": "good"}], "the prediction goes by this name"),
        (["x", "half \ud83d"], r"row 2: review: half of a character, \\ud83d, at 5 \(got 'half \\ud83d'\)"),
    ],
)
def test_rows_that_do_not_fit_are_told(finished, rows, said):
    with pytest.raises(harness.UserError, match=said):
        harness.predict(finished["majority"], rows)


def test_a_folder_that_is_no_runs_is_told():
    with pytest.raises(harness.UserError, match=r"nowhere: no such folder"):
        harness.predict("nowhere", ["x"])


@pytest.mark.parametrize("model", MODELS)
def test_a_run_scores_on_its_own_test_split_what_its_record_says(finished, model):
    run = finished[model]
    assert harness.evaluate(run) == pytest.approx(run.scores)
    assert harness.evaluate(run.folder, split="validation") == pytest.approx(run.validation_scores)


@pytest.mark.parametrize("model", MODELS)
def test_a_run_is_scored_on_rows_that_came_later(finished, later, model):
    run = finished[model]
    answers = [row["prediction"] for row in harness.predict(run, [{"review": row["review"]} for row in later])]
    right = sum(answer == row["stars"] for answer, row in zip(answers, later, strict=True))
    assert harness.evaluate(run, data=later)["accuracy"] == pytest.approx(right / len(later))


def test_later_rows_may_be_a_file_or_a_frame(finished, later, tmp_path):
    run = finished["tfidf"]
    file = write_csv(tmp_path / "later.csv", later)
    assert harness.evaluate(run, data=file) == harness.evaluate(run, data=later)
    parted = tmp_path / "parted.csv"
    parted.write_text("\n".join(["review~stars", *(f"{row['review']}~{row['stars']}" for row in later)]))
    assert harness.evaluate(run, data=parted, separator="~") == harness.evaluate(run, data=later)
    assert harness.evaluate(run, data=pd.DataFrame(later)) == harness.evaluate(run, data=later)
    with pytest.raises(harness.UserError, match="split: 'validation': data for a run is scored as a whole"):
        harness.evaluate(run, data=later, split="validation")


def test_an_export_is_scored_as_its_run_is(command, finished, later, tmp_path):
    run = finished["majority"]
    export_to(Wanted(run.folder, "folder", "fp32", licence=None, examples=0, name="x"), tmp_path / "export")
    assert harness.evaluate(tmp_path / "export", data=later) == harness.evaluate(run, data=later)
    told = command("evaluate", "export", "--input", write_csv(tmp_path / "later.csv", later))
    assert (told.code, "accuracy" in told.output) == (0, True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([{"review": "x"}], "data row 1: no column 'stars'"),
        ([{"review": "x", "stars": "ugly"}], "label 'ugly' is not among those"),
        ([], "data: has no rows"),
        ("nowhere.csv", "nowhere.csv: no such file"),
    ],
)
def test_later_rows_that_do_not_fit_are_told(finished, data, said):
    with pytest.raises(harness.UserError, match=said):
        harness.evaluate(finished["majority"], data=data)


def test_a_run_has_a_task_and_a_recipe_already(finished):
    with pytest.raises(harness.UserError, match="evaluate: task, epochs can't be given with a run"):
        harness.evaluate(finished["majority"], task="boolq", epochs=2)


@pytest.mark.slow
def test_a_run_whose_data_has_changed_is_not_scored_on_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(Path("data.csv"), reviews(40))
    (run,) = harness.finetune(model="majority", data="data.csv", progress=False)
    write_csv(Path("data.csv"), reviews(40, start=100))
    with pytest.raises(harness.UserError, match="its task's data has changed since it was recorded"):
        harness.evaluate(run)


@pytest.mark.slow
def test_a_checkpoint_from_elsewhere_is_scored_as_it_stands_and_recorded_apart(finished, films, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {"train": films, "text": "review", "label": "stars"}
    scores = harness.evaluate(str(finished["bert"].checkpoint), data=data, progress=False)
    assert scores == pytest.approx(finished["bert"].scores)
    (run,) = harness.load_runs("runs")
    assert (run.suite, run.record.config["training"]["maximum_steps"], run.scores) == ("evaluated", 0, scores)


@pytest.mark.slow
def test_a_checkpoint_from_elsewhere_is_never_trained_and_has_one_run(films, checkpoints, tmp_path):
    data = {"train": films, "text": "review", "label": "stars"}
    arguments = {"data": data, "runs": tmp_path, "progress": False}
    scores = harness.evaluate(checkpoints["bert"], split="validation", maximum_steps=50, **arguments)
    (run,) = harness.load_runs(tmp_path)
    assert (scores, run.record.config["training"]["maximum_steps"]) == (run.validation_scores, 0)
    with pytest.raises(harness.UserError, match=r"evaluate: needs one run \(got 2\)"):
        harness.evaluate(checkpoints["bert"], seeds=(0, 1), **arguments)


@pytest.mark.parametrize(("which", "said"), [("run", "Did you mean validation"), ("model", "'validation' or 'test'")])
def test_another_split_is_refused(finished, which, said):
    with pytest.raises(harness.UserError, match=f"split: 'validatoin': .*{said}"):
        harness.evaluate(finished["majority"] if which == "run" else "majority", split="validatoin")


def test_a_checkpoint_that_cannot_be_scored_is_an_error(films, tmp_path):
    data = {"train": films, "text": "review", "label": "nowhere"}
    with pytest.raises(harness.UserError, match="no column 'nowhere'"):
        harness.evaluate("majority", data=data, runs=tmp_path, progress=False)


def test_a_model_without_data_to_be_scored_on_is_told_as_evaluates_mistake():
    with pytest.raises(harness.UserError, match=r"^evaluate: .* needs either a task or data \(got neither\)"):
        harness.evaluate("majority")


def test_a_list_of_runs_is_no_run(finished):
    for call in (harness.predict, harness.evaluate):
        with pytest.raises(
            harness.UserError, match=r"must be one run, or its folder \(got \[FinishedRun.* take one: runs\[0\]\."
        ):
            call([finished["majority"]], **({"rows": ["a text"]} if call is harness.predict else {}))


def test_one_run_is_compared_as_a_list_of_one(finished):
    assert repr(harness.compare(finished["majority"])) == repr(harness.compare([finished["majority"]]))


def test_the_worst_examples_of_a_run_have_their_texts(finished):
    run = finished["bert"]
    wrong = [row for row in run.predictions() if row["prediction"] != row["reference"]]
    found = run.worst(100)
    assert wrong
    assert {row["id"] for row in found[: len(wrong)]} == {row["id"] for row in wrong}  # Then right ones that it doubts.
    for row in run.worst(2):
        assert row["reference"] != row["prediction"]
        assert row["texts"][0].startswith("film number ")
    assert len(run.worst(2)) == 2
    with pytest.raises(harness.UserError, match=r"worst: must be a whole number of examples, 1 or more \(got 0\)"):
        run.worst(0)

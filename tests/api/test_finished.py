"""Finished runs: what is recorded, at hand."""

import pickle

import pytest
from command_line import read_predictions
from synthetic_runs import add_runs, record, save

import harness


def test_a_run_says_what_its_record_says(finished):
    run = finished["bert"]
    assert (run.task, run.seed, run.suite, run.status, run.reason) == (run.record.task, 0, "single", "complete", "")
    assert run.metric == "accuracy"
    assert run.score == run.scores["accuracy"] == run.record.scores["test"]["accuracy"]
    assert run.validation_scores == run.record.scores["validation"]
    assert run.seconds == pytest.approx(sum(run.record.cost.seconds.values()))
    assert (run.checkpoint / "model.safetensors").is_file()
    assert repr(run) == f"FinishedRun({run.task} · {run.model} · seed 0: accuracy {run.score:.4f})"


def test_predictions_are_one_row_per_test_example(finished):
    rows = finished["tfidf"].predictions()
    assert rows == read_predictions(finished["tfidf"].folder)
    assert len(rows) == finished["tfidf"].record.counts.examples["test"]


def test_a_run_without_predictions_says_so(tmp_path):
    folder = save(tmp_path, record(status="diverged", reason="loss nan at step 3"), None)
    (run,) = harness.load_runs(tmp_path)
    assert run.folder == folder
    with pytest.raises(harness.UserError, match="no readable predictions"):
        run.predictions()


def test_a_run_can_be_sent_to_another_process(finished):
    assert pickle.loads(pickle.dumps(finished["majority"])) == finished["majority"]


def test_all_runs_below_a_folder_are_loaded_in_a_stable_order(tmp_path):
    add_runs(tmp_path, "tfidf", 0.7, range(1), family="tfidf")
    add_runs(tmp_path, "bert-mini", 0.8, range(2))
    assert [(run.model, run.seed) for run in harness.load_runs(str(tmp_path))] == [
        ("bert-mini", 0),
        ("bert-mini", 1),
        ("tfidf", 0),
    ]


def test_a_record_that_cannot_be_read_is_named_and_left_out(tmp_path, capsys):
    add_runs(tmp_path, "bert-mini", 0.8, range(2))
    (tmp_path / "reviews/rotten_tomatoes/bert-mini/seed-0/run.json").write_text("{")
    assert [run.seed for run in harness.load_runs(tmp_path)] == [1]
    assert "seed-0/run.json: not a whole record" in capsys.readouterr().err


def test_a_folder_without_runs_is_an_error_in_the_command_lines_words(command, tmp_path):
    with pytest.raises(harness.UserError) as caught:
        harness.load_runs("nowhere")
    assert list(caught.value.lines) == command("compare", "nowhere").lines

"""finetune: the command line's runs, from Python."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import reviews, write_csv
from file_forms import ROWS, dataset
from rich.console import Console

import harness
from harness.api.data import rows_of
from harness.suites.progress import Lines, board

COLUMNS = {"text": "review", "label": "stars"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of one's own to work in."""
    monkeypatch.chdir(tmp_path)


def refusal(**arguments):
    """The lines of the error that a call ends with, before anything is written."""
    with pytest.raises(harness.UserError) as caught:
        harness.finetune(**arguments)
    assert not list(Path("runs").rglob("run.json"))
    return list(caught.value.lines)


@pytest.mark.slow
def test_python_and_the_command_line_skip_each_others_runs(command):
    write_csv(Path("data.csv"), reviews())
    (run,) = harness.finetune(model="majority", data="data.csv", train_examples=20, progress=False)
    before = (run.folder / "run.json").stat().st_mtime_ns
    again = command("run", "--model", "majority", "--train", "data.csv", "--set", "train_examples=20")
    assert "1 of 1 runs are recorded already" in again.output
    command("run", "--model", "tfidf", "--train", "data.csv")
    both = harness.finetune(model=["majority"], data=Path("data.csv"), train_examples=20, progress=False)
    assert (both[0].folder / "run.json").stat().st_mtime_ns == before
    assert [one.model for one in harness.load_runs("runs")] == ["majority", "tfidf"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "majority", "task": "bolq"}, ["--task", "bolq", "--model", "majority"]),
        ({"model": "minilmm", "task": "boolq"}, ["--task", "boolq", "--model", "minilmm"]),
        (
            {"model": "majority", "task": "boolq", "epohs": 1},
            ["--task", "boolq", "--model", "majority", "--set", "epohs=1"],
        ),
        ({"model": "majority", "data": "nowhere.csv"}, ["--model", "majority", "--train", "nowhere.csv"]),
    ],
)
def test_a_mistake_is_told_in_the_command_lines_words_but_for_its_options(command, arguments, words):
    assert refusal(**arguments) == [line.removeprefix("--set ") for line in command("run", *words).lines]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "majority"}, "finetune: give either a task or data (got neither)."),
        ({"model": "majority", "task": "boolq", "data": "x.csv"}, "finetune: give either a task or data (got both)."),
        ({"model": [], "task": "boolq"}, "finetune: no model (got an empty list)."),
        (
            {"model": "majority", "task": "boolq", "seeds": -1},
            "seeds: must be whole numbers from 0 to 2**32 - 1 (got -1)",
        ),
        ({"model": "majority", "task": "boolq", "seeds": [0.5]}, "seeds: must be whole numbers"),
        ({"model": "majority", "task": "boolq", "seeds": ()}, "(got none)"),
        ({"model": "majority", "task": "boolq", "workers": 0}, "workers: must be a whole number, 1 or more (got 0)."),
        ({"model": "majority", "task": "boolq", "workers": -1}, "workers: must be a whole number, 1 or more (got -1)."),
        ({"model": "majority", "task": "boolq", "workers": 1.5}, "workers: must be a whole number, 1 or more (got 1.5"),
        ({"model": "majority", "task": "boolq", "name": "data"}, "name: the folder data of runs is for copies of data"),
        (
            {"model": "majority", "task": "boolq", "name": "/evaluated"},
            "is for models that were scored without training.",
        ),
        ({"model": "majority", "task": "boolq", "name": 3}, "name: must be the name of a folder (got 3)."),
        ({"model": "majority", "data": 3}, "data.train: neither a file nor rows (got 3)."),
        ({"model": "majority", "data": [3]}, "data.train: neither a file nor rows (got 3)."),
        ({"model": "majority", "data": {"train": [{"text": {1}}]}}, "data.train: a field can't be written as JSON"),
        (
            {"model": "majority", "data": [{"text": "a"}, {"text": "\ud800"}]},
            "data.train: row 2: half of a character, \\ud800. Fix the text.",
        ),
        (
            {"model": "majority", "data": {"train": [{"text": "a"}], "separator": "::"}},
            "separator: must be one character",
        ),
        ({"model": "majority", "data": {"train": "x.csv", "txt": "a"}}, "data.txt: no such setting (got 'a')."),
        ({"model": "majority", "data": {"text": "a"}}, "data: needs a file to train on."),
    ],
)
def test_what_python_alone_can_get_wrong_is_told_before_anything_runs(arguments, said):
    (line,) = refusal(**arguments)
    assert said in line


@pytest.mark.usefixtures("here")
def test_the_folder_of_a_study_is_no_place_for_other_runs():
    Path("runs/claims").mkdir(parents=True)
    Path("runs/claims/study.json").write_text("{}")
    (line,) = refusal(model="majority", task="boolq", name="claims")
    assert line == "name: runs/claims has what a study measured. Choose another name."


def test_the_numbers_of_a_data_frame_are_read_to_the_last_digit():
    numbers = [1.2345678901234567e-10, 0.1 + 0.2, 1e300, 2.0]
    frame = pd.DataFrame({"score": [*numbers, np.nan, np.inf], "text": list("abcdef")}, index=range(6, 0, -1))
    assert [row["score"] for row in rows_of(frame, "data")] == [*numbers, None, None]


@pytest.mark.usefixtures("here")
def test_many_rows_under_a_misspelt_key_do_not_hide_what_is_wrong():
    (line,) = refusal(model="majority", data={"trian": [{"text": "a film"}] * 1000})
    assert len(line) < 500
    assert line.endswith("…). Did you mean train?")


@pytest.mark.usefixtures("here")
def test_all_wrong_models_and_settings_are_told_at_once():
    lines = refusal(model=["minilmm", "majority", "tfidf"], task="boolq", epohs=1, learning_rate=-1)
    assert len(lines) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_rows_a_data_frame_and_a_file_of_the_same_rows_are_the_same_data(films):
    made = [
        harness.finetune(model="majority", data={"train": given, **COLUMNS}, progress=False)[0]
        for given in (films, pd.DataFrame(films), iter(films))
    ]
    assert len({run.folder for run in made}) == 1
    (written,) = Path("runs/data").rglob("rows.jsonl")
    assert [json.loads(line) for line in written.read_text().splitlines()] == films
    (from_file,) = harness.finetune(model="tfidf", data={"train": str(written), **COLUMNS}, progress=False)
    assert from_file.task == made[0].task


def test_a_data_set_s_labels_have_the_names_that_it_gives_them():
    assert rows_of(dataset(), "data") == ROWS


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_splits_of_ones_own_are_kept_apart(films):
    data = {"train": films[:40], "validation": films[40:50], "test": pd.DataFrame(films[50:]), **COLUMNS}
    (run,) = harness.finetune(model="majority", data=data, progress=False)
    assert run.record.counts.examples == {"train": 40, "validation": 10, "test": 10}


@pytest.mark.usefixtures("here")
def test_every_model_runs_with_every_seed_but_a_simple_baseline_once(films, checkpoints):
    runs = harness.finetune(
        model=["majority", str(checkpoints["bert"])],
        data={"train": films, **COLUMNS},
        seeds=np.arange(2),
        name="films",
        progress=False,
        maximum_steps=1,
        evaluations_per_epoch=1,
    )
    assert [(run.record.family, run.seed) for run in runs] == [("majority", 0), ("bert", 0), ("bert", 1)]
    assert {run.suite for run in runs} == {"films"}
    assert {run.folder.parts[:2] for run in runs} == {("runs", "films")}
    assert runs[1].record.config["training"]["maximum_steps"] == 1


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_a_run_that_fails_is_in_the_list_with_its_reason(films):
    data = {"train": [*films, {**films[0], "stars": ""}], **COLUMNS}
    failed = harness.finetune(model=["majority", "tfidf"], data=data, progress=False)
    assert [run.status for run in failed] == ["failed", "failed"]
    assert "line 61): stars: no label" in failed[0].reason
    assert (failed[0].scores, failed[0].score) == ({}, None)
    assert "failed" in repr(failed[0])
    with pytest.raises(harness.UserError, match="has no checkpoint \\(failed\\)"):
        _ = failed[0].checkpoint


@pytest.mark.usefixtures("here")
def test_a_wrong_column_is_an_error_before_any_run(films):
    data = {"train": films, "text": "review", "label": "no_such_column"}
    said = r"line 1\): no column 'no_such_column' .*Name it with --label, or give another --task-type\.$"
    with pytest.raises(harness.UserError, match=said):
        harness.finetune(model=["majority", "tfidf"], data=data, progress=False)
    assert not list(Path("runs").rglob("run.json"))


@pytest.mark.usefixtures("here")
def test_a_number_of_seeds_is_told_to_be_one_seed(films, capsys):
    data = {"train": films, "text": "review", "label": "no_such_column"}  # So nothing is run.
    for seeds, told in ((3, True), (1, False), ((3,), False)):
        with pytest.raises(harness.UserError):
            harness.finetune(model="majority", data=data, seeds=seeds, progress=False)
        assert ("a single run with the seed 3. For 3 seeds, write seeds=range(3)." in capsys.readouterr().err) == told


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_a_failure_that_replaces_nothing_is_an_error(films, monkeypatch):
    data = {"train": films, **COLUMNS}
    (run,) = harness.finetune(model="majority", data=data, progress=False)

    def broken(*_, **__):
        raise ValueError("out of luck")

    with monkeypatch.context() as patch:
        patch.setattr("harness.suites.attempt.execute", broken)
        with pytest.raises(harness.UserError, match="1 of 1 runs failed; what they were to replace is kept"):
            harness.finetune(model="majority", data=data, redo=True, progress=False)
    assert harness.load_runs("runs") == [run]


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_another_recipe_is_refused_until_the_record_may_be_replaced(films):
    data = {"train": films, **COLUMNS}
    harness.finetune(model="majority", data=data, progress=False)
    with pytest.raises(harness.UserError, match="recorded with another configuration"):
        harness.finetune(model="majority", data=data, train_examples=10, progress=False)
    (run,) = harness.finetune(model="majority", data=data, train_examples=10, redo=True, progress=False)
    assert run.record.counts.examples["train"] == 10


@pytest.mark.slow_but_first
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("progress", [True, False])
def test_progress_can_be_silenced(films, capfd, progress):
    harness.finetune(model="majority", data={"train": films, **COLUMNS}, progress=progress)
    shown = capfd.readouterr()
    assert ("majority" in shown.out) == progress
    assert shown.err == ""


def test_a_notebook_is_shown_lines_which_need_no_widgets():
    assert isinstance(board(2, Console(force_jupyter=True)), Lines)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_workers_give_the_same_runs(films):
    runs = harness.finetune(
        model=["majority", "tfidf"], data={"train": films, **COLUMNS}, workers=2, progress=False, name="several"
    )
    alone = harness.finetune(model=["majority", "tfidf"], data={"train": films, **COLUMNS}, progress=False, name="one")
    assert [(run.model, run.scores) for run in runs] == [(run.model, run.scores) for run in alone]


@pytest.mark.slow
def test_a_recipe_is_chosen_by_trials_from_python_too(here):
    write_csv(Path("data.csv"), reviews())
    tuning = {"trials": 2, "space": {"baseline_penalty": [0.1, 1.0, 10.0]}}
    (run,) = harness.finetune(model="tfidf", data="data.csv", tuning=tuning, progress=False)
    trials = sorted(run.folder.parent.glob("trials/*/run.json"))
    assert len(trials) == 2
    best = json.loads(trials[run.record.tuning.best].read_text())
    assert run.record.config["training"]["baseline_penalty"] == best["config"]["training"]["baseline_penalty"]
    assert len(harness.load_runs("runs")) == 1


@pytest.mark.parametrize(
    ("tuning", "line"),
    [
        ({"trials": 0}, "tuning.trials: must be greater than or equal to 1 (got 0)."),
        (8, 'tuning: must be a mapping (got 8). Write tuning={"trials": 8}.'),
        ({"models": ["other"]}, "tuning.models: 'other' is not among this suite's models. Did you mean tfidf?"),
    ],
)
def test_a_mistake_in_the_tuning_is_told_before_anything_runs(here, tuning, line):
    write_csv(Path("data.csv"), reviews())
    (told,) = refusal(model="tfidf", data="data.csv", tuning=tuning)
    assert told.startswith(line.partition(" Did")[0])

"""When a recorded run is the one that is asked for."""

import pytest

from harness.config.model import ModelConfig
from harness.config.run import LocalData, RunConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.runs.identity import differences, identity, recorded_config, run_differences


def run_of(**facts):
    model = facts.pop("model", ModelConfig(family="majority"))
    return RunConfig(task="x", data="d", metrics=("accuracy",), model=model, seed=0, training=Training(), **facts)


def test_differences_name_nested_keys_and_keys_of_one_side():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}, "d": 3}) == [
        "a.c: recorded 2, wanted None",
        "d: recorded None, wanted 3",
    ]


def test_own_files_are_the_same_data_from_wherever_they_are_named(tmp_path, monkeypatch):
    (tmp_path / "x.csv").write_text("text,label\na,b\n")
    monkeypatch.chdir(tmp_path)
    here, there = (run_of(local=LocalData(train=path)).resolved() for path in ("x.csv", str(tmp_path / "x.csv")))
    assert here != there
    assert identity(here) == identity(there)
    assert identity(run_of(local=LocalData(train="x.csv", label="stars")).resolved()) != identity(here)


def test_a_setting_that_came_later_has_its_default_in_an_older_record():
    now = run_of().resolved()
    older = {key: value for key, value in now.items() if key not in ("weights", "files")}
    older["training"] = {key: value for key, value in now["training"].items() if key != "patience"}
    assert differences(identity(older), identity(now)) == []
    older["training"]["epochs"] = 7.0
    assert differences(identity(older), identity(now)) == ["training.epochs: recorded 7.0, wanted 3.0"]


def test_a_setting_that_is_left_open_today_has_the_default_of_the_version_that_recorded_it():
    def with_longest(value):
        now = run_of().resolved()
        return {**now, "training": {**now["training"], "longest_answer": value}}

    assert run_differences(with_longest(30), with_longest(None)) == []
    assert run_differences(with_longest(31), with_longest(None)) == [
        "training.longest_answer: recorded 31, wanted None"
    ]
    assert run_differences(with_longest(None), with_longest(30)) == [
        "training.longest_answer: recorded None, wanted 30"
    ]


def test_a_setting_that_there_is_no_more_makes_another_run():
    now = run_of().resolved()
    assert differences(identity({**now, "gone": 1}), identity(now)) == ["gone: recorded 1, wanted None"]


def test_a_folders_weights_are_told_apart_by_content_and_not_by_path():
    runs = {
        (path, weights): identity(run_of(model=ModelConfig(checkpoint=path), weights=weights).resolved())
        for path in ("a", "b")
        for weights in ("", "1", "2")
    }
    assert runs["a", "1"] == runs["b", "1"] != runs["a", "2"]
    assert runs["a", ""] != runs["b", ""], "a Hub id has nothing but its name"
    assert runs["a", ""] != runs["a", "1"]


def test_the_files_of_a_checkpoint_and_a_tokenizer_are_told_apart_by_content_and_not_by_path():
    def run(place, config="1", vocabulary="2"):
        files = {"checkpoint/config.json": config, "tokenizer/vocab.txt": vocabulary}
        model = ModelConfig(checkpoint=f"{place}/a", tokenizer=f"{place}/b", init="random")
        return run_of(model=model, files=files).resolved()

    assert run_differences(run("here"), run("there")) == []
    assert run_differences(run("here"), run("here", config="3")) == [
        "files.checkpoint/config.json: recorded '1', wanted '3'"
    ]
    assert run_differences(run("here"), run("here", vocabulary="3")) == [
        "files.tokenizer/vocab.txt: recorded '2', wanted '3'"
    ]


def test_a_metrics_script_is_told_apart_by_content_and_not_by_path():
    def run(path, content):
        config = run_of(files={"metrics/errors.py": content}).model_copy(
            update={"metrics": (f"evaluate:{path}:lower",)}
        )
        return config.resolved()

    assert run_differences(run("here/errors.py", "1"), run("/there/errors.py", "1")) == []
    assert run_differences(run("here/errors", "1"), run("/there/errors", "1")) == [], "a folder with its script"
    assert run_differences(run("here/errors.py", "1"), run("here/errors.py", "2")) == [
        "files.metrics/errors.py: recorded '1', wanted '2'"
    ]


def test_a_record_that_names_no_files_is_compared_as_its_version_did():
    older, now = (
        run_of(model=ModelConfig(checkpoint="a"), weights="1", files=files) for files in ({}, {"checkpoint/c": "2"})
    )
    recorded = older.resolved()
    del recorded["files"]
    assert run_differences(recorded, now.resolved()) == run_differences(now.resolved(), recorded) == []
    assert run_differences(older.resolved(), now.resolved()) == ["files.checkpoint/c: recorded None, wanted '2'"]


def test_a_record_of_another_version_is_told():
    recorded = run_of().resolved()
    assert recorded_config(recorded, "run.json") == run_of()
    with pytest.raises(UserError) as caught:
        recorded_config({**recorded, "colour": "red"}, "run.json")
    assert caught.value.lines == (
        "run.json: config.colour: no such setting (got 'red'). Known: "
        + ", ".join(sorted(RunConfig.model_fields))
        + ".",
        "run.json: made by another version. Use that version, or run it again with --redo.",
    )


def test_changed_files_of_the_user_are_named_and_not_their_checksums():
    def run(digest, epochs=3.0):
        local = {"train": "here/stories.csv", "test": "here/new.csv", "label": "topic"}
        return {"seed": 0, "data": f"files:{digest}", "files": {}, "local": local, "training": {"epochs": epochs}}

    changed = "data: the content of stories.csv or new.csv has changed since."
    assert run_differences(run("a"), run("a")) == []
    assert run_differences(run("a"), run("b")) == [changed]
    assert run_differences(run("a", 2.0), run("b")) == [changed, "training.epochs: recorded 2.0, wanted 3.0"]

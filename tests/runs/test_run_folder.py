"""A cell's folder: a result is whole or not there, and nothing recorded is lost."""

import json
import os
import shutil
from pathlib import Path

import pytest

from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.record import RunRecord, TaskCard, read_record
from harness.runs.run import Run


@pytest.fixture
def cell(tmp_path):
    return cell_of(tmp_path)


def cell_of(runs, **training):
    config = RunConfig(
        task="boolq",
        data="d",
        metrics=("accuracy",),
        model=ModelConfig(family="majority"),
        seed=0,
        training=Training(**training),
    )
    return Run("demo", "majority", config, runs / "demo" / "boolq" / "majority" / "seed-0")


def record_of(cell, status="complete", **facts):
    return RunRecord(
        status=status,
        suite="demo",
        task="boolq",
        model="majority",
        family="majority",
        seed=0,
        task_card=TaskCard(task_type="classification", main_metric="accuracy"),
        config=cell.config.resolved(),
        **facts,
    )


def finish(cell, note, *, redo=False):
    """Do the whole of a run, whose parts all carry `note`."""
    cell.begin(redo=redo)
    (cell.partial / "checkpoint").mkdir()
    (cell.partial / "checkpoint" / "weights").write_text(note)
    (cell.partial / "predictions.parquet").write_text(note)
    cell.finish(record_of(cell, notes=(note,)))


def notes(cell):
    """What the parts of the result carry."""
    weights = (cell.folder / "checkpoint" / "weights").read_text()
    return {read_record(cell.folder / "run.json").notes[0], weights, (cell.folder / "predictions.parquet").read_text()}


def test_a_cell_is_new_then_unfinished_then_complete(cell):
    assert cell.state() == "new"
    cell.begin(redo=False)
    assert cell.state() == "unfinished"
    finish(cell, "first")
    assert cell.state() == "complete"
    assert notes(cell) == {"first"}
    assert not cell.partial.exists()


def test_asking_for_the_state_writes_nothing(cell, tmp_path):
    cell.state()
    assert list(tmp_path.iterdir()) == []


def test_another_configuration_is_refused_and_only_the_differing_keys_are_named(cell, tmp_path):
    finish(cell, "first")
    with pytest.raises(UserError) as caught:
        cell_of(tmp_path, epochs=7, learning_rate=0.1).state()
    assert caught.value.lines[0].endswith("use --redo to replace it, or another --runs folder.")
    assert caught.value.lines[1:] == (
        "    training.epochs: recorded 3.0, wanted 7.0",
        "    training.learning_rate: recorded 2e-05, wanted 0.1",
    )
    assert notes(cell) == {"first"}


def test_a_redo_replaces_every_part(cell, tmp_path):
    finish(cell, "first")
    other = cell_of(tmp_path, epochs=7)
    finish(other, "second", redo=True)
    assert other.state() == "complete"
    assert notes(other) == {"second"}


def test_a_redo_that_never_ends_or_fails_leaves_the_old_result_whole(cell, tmp_path):
    finish(cell, "first")
    other = cell_of(tmp_path, epochs=7)
    other.begin(redo=True)
    assert notes(cell) == {"first"}
    other.fail(record_of(other, "failed", reason="no luck"))
    assert notes(cell) == {"first"}
    assert cell.state() == "complete"


@pytest.mark.parametrize("name", ["run.json", "checkpoint", "predictions.parquet"])
def test_a_move_into_place_that_is_cut_short_is_gone_on_with(cell, monkeypatch, name):
    finish(cell, "first")
    rename = Path.rename

    def killed(self, target):
        if Path(target).name == name:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            finish(cell, "second", redo=True)
    before = contents(cell.folder)
    assert cell.state() == "complete"
    assert contents(cell.folder) == before, "looking changes nothing"
    cell.settle()
    assert cell.state() == "complete"
    assert notes(cell) == {"second"}
    assert not cell.partial.exists()


@pytest.mark.parametrize("begin", [True, False])
def test_there_is_nothing_to_settle_before_a_result_is_whole(cell, begin):
    finish(cell, "first")
    if begin:
        cell.begin(redo=True)
    before = contents(cell.folder)
    cell.settle()
    assert contents(cell.folder) == before


def contents(folder):
    """Every file below the folder, with what is in it."""
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_a_diverged_redo_leaves_no_checkpoint_of_the_old_result(cell):
    finish(cell, "first")
    cell.begin(redo=True)
    cell.finish(record_of(cell, "diverged", reason="the training loss is nan"))
    assert cell.state() == "diverged"
    assert sorted(path.name for path in cell.folder.iterdir()) == ["run.json"]


def test_a_full_disk_at_the_end_leaves_the_old_result_whole(cell, monkeypatch):
    finish(cell, "first")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.runs.run.write_record", full)
    with pytest.raises(OSError, match="No space left"):
        finish(cell, "second", redo=True)
    assert notes(cell) == {"first"}
    assert cell.state() == "unfinished"
    cell.fail(record_of(cell, "failed", reason="no room"))
    assert cell.state() == "complete"


def test_a_failed_cell_is_tried_again_with_any_configuration(cell, tmp_path):
    cell.fail(record_of(cell, "failed", reason="no luck"))
    assert cell.state() == "failed"
    assert cell_of(tmp_path, epochs=7).state() == "failed"


def test_a_failure_after_a_failure_is_recorded(cell):
    cell.fail(record_of(cell, "failed", reason="first"))
    cell.fail(record_of(cell, "failed", reason="second"))
    assert read_record(cell.folder / "run.json").reason == "second"


def test_a_diverged_cell_is_a_result(cell):
    cell.begin(redo=False)
    cell.finish(record_of(cell, "diverged", reason="loss is nan"))
    assert cell.state() == "diverged"
    cell.fail(record_of(cell, "failed", reason="no luck"))
    assert cell.state() == "diverged"


def test_saved_work_of_another_configuration_is_not_thrown_away(cell, tmp_path):
    cell.begin(redo=False)
    (cell.partial / "state").mkdir()
    with pytest.raises(UserError, match="recorded with another configuration") as caught:
        cell_of(tmp_path, epochs=7).state()
    assert caught.value.lines[1:] == ("    training.epochs: recorded 3.0, wanted 7.0",)
    assert (cell.partial / "state").is_dir()


def test_work_of_another_configuration_without_a_saved_state_stands_in_nobodys_way(cell, tmp_path):
    cell.begin(redo=False)
    (cell.partial / "stale").touch()
    other = cell_of(tmp_path, epochs=7)
    assert other.state() == "new"
    other.begin(redo=False)
    assert not (cell.partial / "stale").exists()
    assert other.state() == "unfinished"


def test_saved_work_of_the_same_configuration_is_gone_on_with(cell):
    cell.begin(redo=False)
    (cell.partial / "state").mkdir()
    assert cell.state() == "unfinished"
    cell.begin(redo=False)
    assert (cell.partial / "state").is_dir()
    cell.begin(redo=True)
    assert not (cell.partial / "state").exists()


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_work_that_does_not_say_its_configuration_counts_as_none(cell, content):
    cell.begin(redo=False)
    (cell.partial / "config.json").write_text(content)
    assert cell.state() == "new"


def kill_redo(cell):
    """Leave what a --redo leaves that was killed after its first state."""
    cell.begin(redo=True)
    (cell.partial / "state").mkdir()


def test_a_redo_that_was_killed_goes_on_with_or_without_redo(cell):
    finish(cell, "first")
    kill_redo(cell)
    assert cell.state() == "unfinished"
    for redo in (False, True):
        cell.begin(redo=redo)
        assert (cell.partial / "state").is_dir()
    finish(cell, "second", redo=True)
    assert (cell.state(), notes(cell)) == ("complete", {"second"})
    assert not cell.is_redone


def test_a_redo_after_one_that_failed_begins_anew(cell):
    finish(cell, "first")
    kill_redo(cell)
    cell.fail(record_of(cell, "failed", reason="no luck"))
    assert (cell.state(), notes(cell)) == ("complete", {"first"})
    cell.begin(redo=True)
    assert not (cell.partial / "state").exists()


def test_a_redo_of_another_configuration_that_was_killed_is_not_mixed_up(cell, tmp_path):
    finish(cell, "first")
    other = cell_of(tmp_path, epochs=7)
    kill_redo(other)
    assert (cell.state(), other.state()) == ("complete", "unfinished")
    cell.begin(redo=True)
    assert not (cell.partial / "state").exists()


def test_work_beside_a_result_that_nothing_goes_on_with_is_removed(cell):
    finish(cell, "first")
    kill_redo(cell)
    cell.settle()
    assert cell.partial.exists(), "the redo goes on"
    (cell.partial / "redo").unlink()  # As earlier versions left it.
    cell.settle()
    assert not cell.partial.exists()
    assert notes(cell) == {"first"}


def test_what_a_killed_write_left_is_removed_once_it_is_old(cell):
    finish(cell, "first")
    names = (".run.json.999999999", f".run.json.{os.getpid()}", ".run.json.backup")
    left = {name: cell.folder / name for name in names}
    for file in left.values():
        file.touch()
    cell.settle()
    assert all(file.exists() for file in left.values()), "it may be another machine's"
    for file in left.values():
        os.utime(file, (0, 0))
    cell.settle()
    assert [name for name, file in left.items() if file.exists()] == list(names[1:])


def test_a_configuration_that_was_damaged_counts_as_none(cell):
    cell.begin(redo=False)
    (cell.partial / "state").mkdir()
    file = cell.partial / "config.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    assert cell.state() == "new"


def spoilt_records(cell):
    whole = json.dumps(json.loads(record_of(cell).model_dump_json()))
    return {
        "half": whole[: len(whole) // 2],
        "empty": "",
        "older": whole.replace('"schema_version": 2', '"schema_version": 0'),
        "other": "[]",
        "key": whole.replace('"family"', '"famly"'),
    }


@pytest.mark.parametrize("which", ["half", "empty", "older", "other", "key"])
def test_a_record_that_cannot_be_read_is_told_and_kept(cell, which):
    cell.folder.mkdir(parents=True)
    file = cell.folder / "run.json"
    file.write_text(spoilt_records(cell)[which])
    before = file.read_bytes()
    with pytest.raises(UserError, match=r"run\.json: .*[Dd]o the run again"):
        cell.state()
    cell.fail(record_of(cell, "failed", reason="no luck"))
    assert file.read_bytes() == before


def test_a_record_that_is_a_folder_is_told(cell):
    (cell.folder / "run.json").mkdir(parents=True)
    with pytest.raises(UserError, match="not a file"):
        cell.state()
    cell.fail(record_of(cell, "failed", reason="no luck"))
    shutil.rmtree(cell.folder / "run.json")
    assert cell.state() == "new"

"""A run's folder: a result is whole or not there, and nothing recorded is lost."""

import json
import os
import shutil
from pathlib import Path

import pytest

from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.output import console
from harness.record import RunRecord, TaskCard, read_record, write_record
from harness.runs.run import Run
from harness.suites.runner import mark_redone


@pytest.fixture
def run(tmp_path):
    return run_of(tmp_path)


def run_of(runs, **training):
    config = RunConfig(
        task="boolq",
        data="d",
        metrics=("accuracy",),
        model=ModelConfig(family="majority"),
        seed=0,
        training=Training(**training),
    )
    return Run("demo", "majority", config, runs / "demo" / "boolq" / "majority" / "seed-0")


def record_of(run, status="complete", **facts):
    return RunRecord(
        status=status,
        suite="demo",
        task="boolq",
        model="majority",
        family="majority",
        seed=0,
        task_card=TaskCard(task_type="classification", main_metric="accuracy"),
        config=run.config.resolved(),
        **facts,
    )


def finish(run, note, *, redo=False):
    """Do the whole of a run, whose parts all carry `note`."""
    run.begin(redo=redo)
    (run.partial / "checkpoint").mkdir()
    (run.partial / "checkpoint" / "weights").write_text(note)
    (run.partial / "predictions.parquet").write_text(note)
    run.finish(record_of(run, notes=(note,)))


def notes(run):
    """What the parts of the result carry."""
    weights = (run.folder / "checkpoint" / "weights").read_text()
    return {read_record(run.folder / "run.json").notes[0], weights, (run.folder / "predictions.parquet").read_text()}


def test_a_run_is_new_then_unfinished_then_complete(run):
    assert run.state() == "new"
    run.begin(redo=False)
    assert run.state() == "unfinished"
    finish(run, "first")
    assert run.state() == "complete"
    assert notes(run) == {"first"}
    assert not run.partial.exists()


def test_asking_for_the_state_writes_nothing(run, tmp_path):
    run.state()
    assert list(tmp_path.iterdir()) == []


def test_another_configuration_is_refused_and_only_the_differing_keys_are_named(run, tmp_path):
    finish(run, "first")
    with pytest.raises(UserError) as caught:
        run_of(tmp_path, epochs=7, learning_rate=0.1).state()
    assert caught.value.lines[0].endswith("use --redo to replace it, or another --runs folder.")
    assert caught.value.lines[1:] == (
        "    training.epochs: recorded 3.0, wanted 7.0",
        "    training.learning_rate: recorded 2e-05, wanted 0.1",
    )
    assert notes(run) == {"first"}


def test_a_redo_replaces_every_part(run, tmp_path):
    finish(run, "first")
    other = run_of(tmp_path, epochs=7)
    finish(other, "second", redo=True)
    assert other.state() == "complete"
    assert notes(other) == {"second"}


def test_a_redo_that_never_ends_or_fails_leaves_the_old_result_whole(run, tmp_path):
    finish(run, "first")
    other = run_of(tmp_path, epochs=7)
    other.begin(redo=True)
    assert notes(run) == {"first"}
    other.fail(record_of(other, "failed", reason="no luck"))
    assert notes(run) == {"first"}
    assert run.state() == "complete"


@pytest.mark.parametrize("name", ["run.json", "checkpoint", "predictions.parquet"])
def test_a_move_into_place_that_is_cut_short_is_gone_on_with(run, monkeypatch, name):
    finish(run, "first")
    rename = Path.rename

    def killed(self, target):
        if Path(target).name == name:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            finish(run, "second", redo=True)
    before = contents(run.folder)
    assert run.state() == "complete"
    assert contents(run.folder) == before, "looking changes nothing"
    run.settle()
    assert run.state() == "complete"
    assert notes(run) == {"second"}
    assert not run.partial.exists()


@pytest.mark.parametrize("begin", [True, False])
def test_there_is_nothing_to_settle_before_a_result_is_whole(run, begin):
    finish(run, "first")
    if begin:
        run.begin(redo=True)
    before = contents(run.folder)
    run.settle()
    assert contents(run.folder) == before


def contents(folder):
    """Every file below the folder, with what is in it."""
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_a_diverged_redo_leaves_no_checkpoint_of_the_old_result(run):
    finish(run, "first")
    run.begin(redo=True)
    run.finish(record_of(run, "diverged", reason="the training loss is nan"))
    assert run.state() == "diverged"
    assert sorted(path.name for path in run.folder.iterdir()) == ["run.json"]


def test_a_full_disk_at_the_end_leaves_the_old_result_whole(run, monkeypatch):
    finish(run, "first")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.runs.run.write_record", full)
    with pytest.raises(OSError, match="No space left"):
        finish(run, "second", redo=True)
    assert notes(run) == {"first"}
    assert run.state() == "unfinished"
    run.fail(record_of(run, "failed", reason="no room"))
    assert run.state() == "complete"


def test_a_failed_run_is_tried_again_with_any_configuration(run, tmp_path):
    run.fail(record_of(run, "failed", reason="no luck"))
    assert run.state() == "failed"
    assert run_of(tmp_path, epochs=7).state() == "failed"


def test_a_failure_after_a_failure_is_recorded(run):
    run.fail(record_of(run, "failed", reason="first"))
    run.fail(record_of(run, "failed", reason="second"))
    assert read_record(run.folder / "run.json").reason == "second"


def test_a_result_that_another_command_moves_into_place_meanwhile_is_found(run, monkeypatch):
    run.begin(redo=False)
    write_record(record_of(run), run.partial)

    def read_late(file):
        if file.parent == run.partial and file.exists():
            file.rename(run.folder / "run.json")
        return read_record(file)

    monkeypatch.setattr("harness.runs.run.read_record", read_late)
    assert run.state() == "complete"


def test_a_diverged_run_is_a_result(run):
    run.begin(redo=False)
    run.finish(record_of(run, "diverged", reason="loss is nan"))
    assert run.state() == "diverged"
    run.fail(record_of(run, "failed", reason="no luck"))
    assert run.state() == "diverged"


def test_saved_work_of_another_configuration_is_not_thrown_away(run, tmp_path):
    run.begin(redo=False)
    (run.partial / "state").mkdir()
    with pytest.raises(UserError, match="recorded with another configuration") as caught:
        run_of(tmp_path, epochs=7).state()
    assert caught.value.lines[1:] == ("    training.epochs: recorded 3.0, wanted 7.0",)
    assert (run.partial / "state").is_dir()


def test_work_of_another_configuration_without_a_saved_state_stands_in_nobodys_way(run, tmp_path):
    run.begin(redo=False)
    (run.partial / "stale").touch()
    other = run_of(tmp_path, epochs=7)
    assert other.state() == "new"
    other.begin(redo=False)
    assert not (run.partial / "stale").exists()
    assert other.state() == "unfinished"


def test_saved_work_of_the_same_configuration_is_gone_on_with(run):
    run.begin(redo=False)
    (run.partial / "state").mkdir()
    assert run.state() == "unfinished"
    run.begin(redo=False)
    assert (run.partial / "state").is_dir()
    run.begin(redo=True)
    assert not (run.partial / "state").exists()


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_work_that_does_not_say_its_configuration_counts_as_none(run, content):
    run.begin(redo=False)
    (run.partial / "config.json").write_text(content)
    assert run.state() == "new"


def kill_redo(run):
    """Leave what a --redo leaves that was killed after its first state."""
    run.begin(redo=True)
    (run.partial / "state").mkdir()


def test_a_redo_that_was_killed_goes_on_with_or_without_redo(run):
    finish(run, "first")
    kill_redo(run)
    assert run.state() == "unfinished"
    for redo in (False, True):
        run.begin(redo=redo)
        assert (run.partial / "state").is_dir()
    finish(run, "second", redo=True)
    assert (run.state(), notes(run)) == ("complete", {"second"})
    assert not run.is_redone


def test_a_redo_after_one_that_failed_begins_anew(run):
    finish(run, "first")
    kill_redo(run)
    run.fail(record_of(run, "failed", reason="no luck"))
    assert (run.state(), notes(run)) == ("complete", {"first"})
    run.begin(redo=True)
    assert not (run.partial / "state").exists()


def test_a_redo_replaces_saved_work_of_another_configuration_and_leaves_its_own(run, tmp_path):
    run.begin(redo=False)
    (run.partial / "state").mkdir()
    mark_redone([run], console(quiet=True))
    assert (run.partial / "state").exists()
    other = run_of(tmp_path, epochs=7)
    with pytest.raises(UserError, match="use --redo to replace it"):
        other.state()
    mark_redone([other], console(quiet=True))
    assert other.state() == "unfinished"
    assert not (run.partial / "state").exists()


def test_a_redo_of_another_configuration_that_was_killed_is_not_mixed_up(run, tmp_path):
    finish(run, "first")
    other = run_of(tmp_path, epochs=7)
    kill_redo(other)
    assert (run.state(), other.state()) == ("complete", "unfinished")
    run.begin(redo=True)
    assert not (run.partial / "state").exists()


def test_work_beside_a_result_that_nothing_goes_on_with_is_removed(run):
    finish(run, "first")
    kill_redo(run)
    run.settle()
    assert run.partial.exists(), "the redo goes on"
    (run.partial / "redo").unlink()  # As earlier versions left it.
    run.settle()
    assert not run.partial.exists()
    assert notes(run) == {"first"}


def test_what_a_killed_write_left_is_removed_once_it_is_old(run):
    finish(run, "first")
    names = (".run.json.999999999", f".run.json.{os.getpid()}", ".run.json.backup")
    left = {name: run.folder / name for name in names}
    for file in left.values():
        file.touch()
    run.settle()
    assert all(file.exists() for file in left.values()), "it may be another machine's"
    for file in left.values():
        os.utime(file, (0, 0))
    run.settle()
    assert [name for name, file in left.items() if file.exists()] == list(names[1:])


def test_the_claim_of_a_process_that_was_killed_at_the_very_end_is_removed(run):
    child = os.fork()
    if child == 0:
        with run.claimed():
            finish(run, "first")
            os._exit(0)
    os.waitpid(child, 0)
    assert (run.folder / ".claim").exists()
    run.settle()
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoint", "predictions.parquet", "run.json"]


def test_a_claim_on_a_result_that_is_done_anew_is_left_to_its_process(run):
    finish(run, "first")
    with run.claimed():
        run.settle()
        assert (run.folder / ".claim").exists()


def test_a_configuration_that_was_damaged_counts_as_none(run):
    run.begin(redo=False)
    (run.partial / "state").mkdir()
    file = run.partial / "config.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    assert run.state() == "new"


def spoilt_records(run):
    whole = json.dumps(json.loads(record_of(run).model_dump_json()))
    return {
        "half": whole[: len(whole) // 2],
        "empty": "",
        "older": whole.replace('"schema_version": 2', '"schema_version": 0'),
        "other": "[]",
        "key": whole.replace('"family"', '"famly"'),
    }


@pytest.mark.parametrize("which", ["half", "empty", "older", "other", "key"])
def test_a_record_that_cannot_be_read_is_told_and_kept(run, which):
    run.folder.mkdir(parents=True)
    file = run.folder / "run.json"
    file.write_text(spoilt_records(run)[which])
    before = file.read_bytes()
    with pytest.raises(UserError, match=r"run\.json: .*[Dd]o the run again"):
        run.state()
    run.fail(record_of(run, "failed", reason="no luck"))
    assert file.read_bytes() == before


def test_a_record_that_is_a_folder_is_told(run):
    (run.folder / "run.json").mkdir(parents=True)
    with pytest.raises(UserError, match="not a file"):
        run.state()
    run.fail(record_of(run, "failed", reason="no luck"))
    shutil.rmtree(run.folder / "run.json")
    assert run.state() == "new"

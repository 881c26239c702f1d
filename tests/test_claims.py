"""Of several commands at a time, one has a run; the others leave it alone."""

import os
import signal
import subprocess
import sys
import warnings

import pytest
from small_models import Silent, own_data, own_run, text_examples

from harness.record import RECORD
from harness.runs.execution import Options
from harness.suites.attempt import attempt


@pytest.fixture
def run(tmp_path):
    """A run of a simple baseline, which takes no time."""
    own = own_data(tmp_path / "data", text_examples(60))
    return own_run(tmp_path / "runs", own, None, family="majority")


def test_a_run_is_claimed_once_at_a_time_and_no_file_is_left(run):
    with run.claimed() as first, run.claimed() as second:
        assert (first, second) == (True, False)
        assert [file.name for file in run.folder.iterdir()] == [".claim"]
    with run.claimed() as again:
        assert again
    assert list(run.folder.iterdir()) == []


def test_a_claim_goes_with_its_process(run):
    run.folder.mkdir(parents=True)
    holding = (
        "import fcntl, os, sys, time\n"
        "fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", holding, run.folder], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with run.claimed() as ours:
            assert not ours
        process.send_signal(signal.SIGKILL)
    with run.claimed() as ours:
        assert ours


def unknown(*_):
    raise OSError(95, "Operation not supported")


def test_a_disk_that_knows_no_locks_has_claims_all_the_same(run, monkeypatch):
    monkeypatch.setattr("harness.runs.claim.fcntl.flock", unknown)
    with run.claimed() as first, run.claimed() as second:
        assert (first, second) == (True, False)


def test_a_disk_that_knows_neither_locks_nor_files_of_ones_own_stops_nobody_and_is_told(run, monkeypatch, capsys):
    monkeypatch.setattr("harness.runs.claim.fcntl.flock", unknown)
    monkeypatch.setattr("harness.runs.claim._made", unknown)
    with run.claimed() as ours:
        assert ours
    assert f"{run.folder}: this disk has no locks to keep two commands apart" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_that_another_command_is_at_is_left_as_it_is(run):
    with run.claimed():
        assert attempt(run, Options(), Silent()).record is None
        assert [file.name for file in run.folder.iterdir()] == [".claim"]
    assert attempt(run, Options(), Silent()).record.status == "complete"


@pytest.mark.slow
def test_a_run_that_another_command_has_done_meanwhile_is_not_done_again(run):
    attempt(run, Options(), Silent())
    before = (run.folder / RECORD).stat().st_mtime_ns
    assert attempt(run, Options(), Silent()).record is None
    assert (run.folder / RECORD).stat().st_mtime_ns == before
    assert attempt(run, Options(redo=True), Silent()).record.status == "complete"


@pytest.mark.slow
def test_a_move_into_place_that_another_command_is_at_is_left_to_it(run):
    attempt(run, Options(), Silent())
    run.partial.mkdir()
    (run.folder / RECORD).rename(run.partial / RECORD)
    with run.claimed():
        run.settle()
        assert (run.partial / RECORD).exists()
    run.settle()
    assert (run.folder / RECORD).exists()


def test_what_a_run_does_to_its_process_does_not_reach_the_next_run(run, monkeypatch):
    monkeypatch.setenv("KEPT", "before")
    filters = list(warnings.filters)

    def changes(*_):
        os.environ.update(KEPT="changed", ADDED="1")
        warnings.simplefilter("error")
        raise ValueError("on the way")

    with monkeypatch.context() as patch:
        patch.setattr("harness.suites.attempt.execute", changes)
        assert attempt(run, Options(), Silent()).record.reason == "ValueError: on the way"
    assert (os.environ["KEPT"], os.environ.get("ADDED")) == ("before", None)
    assert warnings.filters == filters

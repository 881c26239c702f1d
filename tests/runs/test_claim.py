"""Two machines that share a disk: one has a run. A machine is acted by a name, without locks that it would not see."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

import pytest
from waiting import LONGEST, wait_for

from harness.errors import UserError
from harness.runs import claim
from harness.runs.claim import CLAIM, GIVEN_UP_SECONDS, TAKEOVER, check_claim, claimed


def unknown(*_):
    raise OSError(9, "Bad file descriptor")  # What NFS says of a lock on a folder.


@pytest.fixture
def on(monkeypatch):
    """Makes this process one of the named machine."""
    monkeypatch.setattr(claim.fcntl, "flock", unknown)
    return lambda name: monkeypatch.setattr(claim, "_machine", lambda: name)


def age(file, seconds):
    """Have the file be touched so long ago."""
    then = file.stat().st_mtime - seconds
    os.utime(file, (then, then))


def test_what_one_machine_claims_another_one_does_not_get(on, tmp_path, capsys):
    on("first")
    with claimed(tmp_path) as ours:
        assert ours
        on("second")
        age(tmp_path / CLAIM, GIVEN_UP_SECONDS / 2)
        with claimed(tmp_path) as theirs:
            assert not theirs
        assert "another machine is working on it" in capsys.readouterr().err
        on("first")
    assert list(tmp_path.iterdir()) == []
    on("second")
    with claimed(tmp_path) as theirs:
        assert theirs


def leave(folder, machine):
    """A claim whose process was killed on the machine."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from harness.runs import claim\n"
        "if sys.argv[2]:\n"
        "    claim._machine = lambda: sys.argv[2]\n"
        "with claim.claimed(Path(sys.argv[1])) as ours:\n"
        "    os._exit(0 if ours else 1)\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", program, folder, machine], check=True, env={**os.environ, "PYTHONPATH": str(root)}
    )


def test_a_claim_that_another_machine_gave_no_sign_of_is_taken_over_in_the_end(on, tmp_path):
    leave(tmp_path, "first")
    on("second")
    with claimed(tmp_path) as ours:
        assert not ours, "it may be alive"
    age(tmp_path / CLAIM, GIVEN_UP_SECONDS + 5)
    with claimed(tmp_path) as ours:
        assert ours
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_was_released_just_now_is_not_taken_from_the_machine_that_has_it_next(on, tmp_path, monkeypatch):
    leave(tmp_path, "first")
    on("second")
    read, aged, third = claim._read, claim._age, []

    def released(file):
        file.unlink(missing_ok=True)
        monkeypatch.setattr(claim, "_read", read)

    def taken(file):
        found = aged(file)
        if (tmp_path / TAKEOVER).exists():
            (tmp_path / CLAIM).write_text('{"machine": "third"}')
            third.append(True)
        return found

    monkeypatch.setattr(claim, "_read", released)
    monkeypatch.setattr(claim, "_age", taken)
    with claimed(tmp_path) as ours:
        assert not (ours and third)
    monkeypatch.setattr(claim, "_age", aged)
    with claimed(tmp_path) as ours:
        assert ours


@pytest.mark.parametrize("locks", [True, False])
def test_a_claim_of_a_process_of_this_machine_that_is_gone_is_taken_over_at_once(locks, monkeypatch, tmp_path):
    leave(tmp_path, "")
    assert (tmp_path / CLAIM).exists()
    if not locks:
        monkeypatch.setattr(claim.fcntl, "flock", unknown)
    with claimed(tmp_path) as ours:
        assert ours


def test_what_was_left_beside_a_claim_is_removed_once_nobody_stands_behind_it(tmp_path):
    """A process that was killed between writing who it is and linking that into place."""
    names = ("killed", "alive", "unnamed just now", "unnamed of long ago")
    left = {name: tmp_path / f"{CLAIM}.{name}" for name in names}
    owner = {"machine": claim._machine(), "pid": 2**31 - 1}
    left["killed"].write_text(json.dumps(owner))
    left["alive"].write_text(json.dumps(owner | {"machine": "another"}))
    for name in names[2:]:
        left[name].touch()
    age(left["unnamed of long ago"], GIVEN_UP_SECONDS + 5)
    with claimed(tmp_path) as ours:
        assert ours
    assert [name for name, file in left.items() if file.exists()] == ["alive", "unnamed just now"]


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff{", b'{"machine": 7}'])
def test_a_claim_that_names_nobody_is_given_up_like_another_machines(on, content, tmp_path):
    on("second")
    (tmp_path / CLAIM).write_bytes(content)
    with claimed(tmp_path) as ours:
        assert not ours
    age(tmp_path / CLAIM, -2 * GIVEN_UP_SECONDS)
    with claimed(tmp_path) as ours:
        assert ours


def test_a_machine_whose_claim_was_taken_away_is_told_and_takes_nothing_away(on, tmp_path):
    with ExitStack() as stack:
        on("first")
        assert stack.enter_context(claimed(tmp_path))
        check_claim(tmp_path)
        age(tmp_path / CLAIM, GIVEN_UP_SECONDS + 5)
        on("second")
        leave(tmp_path, "second")
        with pytest.raises(UserError, match="another machine took over this run"):
            check_claim(tmp_path)
    assert (tmp_path / CLAIM).exists(), "it is the other one's"


def test_an_owner_gives_a_sign_now_and_then(on, tmp_path, monkeypatch):
    monkeypatch.setattr(claim, "TOUCHED_SECONDS", 0.01)
    on("first")
    with claimed(tmp_path):
        age(tmp_path / CLAIM, 1000)
        before = (tmp_path / CLAIM).stat().st_mtime
        wait_for(lambda: (tmp_path / CLAIM).stat().st_mtime > before, every=0.001)


def test_a_takeover_that_was_killed_stands_in_the_way_for_a_while_only(on, tmp_path):
    leave(tmp_path, "first")
    on("second")
    (tmp_path / TAKEOVER).touch()
    for file in (CLAIM, TAKEOVER):
        age(tmp_path / file, GIVEN_UP_SECONDS + 5)
    with claimed(tmp_path) as ours:
        assert not ours
    with claimed(tmp_path) as ours:
        assert ours


def contend(folder, start, done):
    claim.fcntl.flock = unknown
    claim._machine = lambda: f"machine {os.getpid()}"
    start.wait()
    with claimed(folder) as ours:
        done.put(ours)
        done.join()


@pytest.mark.slow
@pytest.mark.parametrize("left", [False, True])
def test_of_many_machines_at_once_one_has_the_run(left, tmp_path):
    if left:
        leave(tmp_path, "gone")
        age(tmp_path / CLAIM, GIVEN_UP_SECONDS + 5)
    context = get_context("fork")
    start, done = context.Event(), context.JoinableQueue()
    machines = [context.Process(target=contend, args=(tmp_path, start, done)) for _ in range(8)]
    for machine in machines:
        machine.start()
    start.set()
    found = [done.get(timeout=LONGEST) for _ in machines]
    for _ in machines:
        done.task_done()
    for machine in machines:
        machine.join(LONGEST)
    assert found.count(True) == 1
    assert list(tmp_path.iterdir()) == []

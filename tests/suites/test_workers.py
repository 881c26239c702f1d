"""Cells side by side: each worker that dies costs one, and none is left behind. The workers act a part."""

import os
import signal
import sys
from threading import Timer

import pytest
import working
from subprocesses import workers_below

from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.errors import UserError, notice
from harness.runs.run import Run
from harness.suites.worker_slots import WorkerSlot
from harness.suites.workers import in_workers


class Noted:
    """A board that notes what it is told, and may do something as the second run begins."""

    def __init__(self):
        self.facts, self.begin_second = [], lambda: None

    def begin(self, title):
        self.facts.append(f"begins {title}")
        if len(self.facts) == 2:
            self.begin_second()
        return NotedRow(title, self.facts)

    def end(self, row):
        self.facts.append(f"ends {row.title}")


class NotedRow:
    def __init__(self, title, facts):
        self.title, self._facts = title, facts

    def on_step(self, step, steps, *, loss, items):
        self._facts.append(f"{step}/{steps} {loss} {items}")

    def on_evaluate(self, point):
        self._facts.append(point)


@pytest.fixture
def planned(tmp_path):
    def made(model, seed=0):
        config = RunConfig(
            task="t",
            data="",
            metrics=("accuracy",),
            model=ModelConfig(family="majority"),
            seed=seed,
            training=Training(),
        )
        return Run("suite", model, config, tmp_path / model / f"seed-{seed}")

    return made


FORKED, SPAWNED = (1, 1), (1, 2)  # threads of each worker's operations, by which it is forked or not


@pytest.fixture
def results(monkeypatch):
    """The results of runs, by what workers do and the threads of each."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("harness.suites.workers._needed", lambda planned: ["no_such_module", "wave"])

    def found(runs, *, act=working.act, board=None, threads=FORKED):
        monkeypatch.setattr("harness.suites.workers.work", act)
        worker_slots = [WorkerSlot(one) for one in threads]
        return in_workers(runs, None, board or Noted(), worker_slots=worker_slots, seconds={})

    yield found
    assert workers_below() == []


@pytest.mark.slow
def test_each_run_is_run_once_and_workers_stay_warm(planned, results):
    runs = [planned("good", seed) for seed in range(12)]
    found = list(results(runs))
    assert sorted(one.config.seed for one, _ in found) == list(range(12))
    assert all(ended.record.seed == one.config.seed for one, ended in found)
    assert len({ended.record.reason for _, ended in found}) <= 2


@pytest.mark.slow
def test_forked_workers_have_what_was_imported_once(planned, results):
    for threads, reason in ((FORKED, "imported"), (SPAWNED, "not imported")):
        runs = [planned("looks", seed) for seed in range(2)]
        found = [ended.record.reason for _, ended in results(runs, threads=threads)]
        assert found == [reason] * 2 or sys.platform != "linux"


@pytest.mark.slow
@pytest.mark.parametrize("threads", [FORKED, SPAWNED])
def test_a_worker_that_dies_costs_its_run_only(threads, planned, results):
    runs = [planned("good", 0), planned("dies"), planned("good", 1), planned("ends"), planned("good", 2)]
    found = {
        one.folder.parent.name + str(one.config.seed): ended.record for one, ended in results(runs, threads=threads)
    }
    assert {name: record.status for name, record in found.items()} == {
        "good0": "complete", "dies0": "failed", "good1": "complete", "ends0": "failed", "good2": "complete"
    }  # fmt: skip
    assert found["dies0"].reason == "its worker was killed (SIGKILL). If memory ran out, try fewer --workers."
    assert found["ends0"].reason == "its worker ended with exit code 3."
    assert planned("dies").state() == "failed"
    assert (planned("dies").folder / "error.txt").read_text() == "printed for dies"


@pytest.mark.slow
def test_a_worker_that_breaks_leaves_what_it_said(planned, results):
    ((_, ended),) = results([planned("breaks")], threads=(1,))
    assert ended.record.reason == "its worker ended with exit code 1."
    assert (planned("breaks").folder / "error.txt").read_text() == "printed for breaks"


@pytest.mark.slow
def test_a_run_that_another_command_has_gives_no_record(planned, results):
    ((_, ended),) = results([planned("elsewhere")], threads=(1,))
    assert (ended.record, ended.is_left) == (None, True)


@pytest.mark.slow
def test_the_board_is_told_what_the_worker_is_told(planned, results):
    board = Noted()
    list(results([planned("tells")], board=board, threads=(1,)))
    assert board.facts == ["begins t · tells · seed 0", "3/10 0.5 48", working.POINT, "ends t · tells · seed 0"]


@pytest.mark.slow
def test_what_several_workers_notice_is_told_once(planned, results, capsys):
    notice.cache_clear()
    list(results([planned("notices", seed) for seed in range(4)]))
    assert capsys.readouterr().err == "data.csv: guessed separator semicolon.\n"


@pytest.mark.slow
def test_a_worker_that_cannot_begin_leaves_the_runs_to_the_others(planned, results):
    found = list(results([planned("good", seed) for seed in range(3)], act=working.one_begins, threads=SPAWNED))
    assert [ended.record.status for _, ended in found] == ["complete"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("threads", [FORKED, SPAWNED])
def test_no_worker_that_can_begin_is_a_mistake_that_costs_no_run(threads, planned, results):
    with pytest.raises(UserError) as caught:
        list(results([planned("good")], act=working.never_begins, threads=threads))
    assert caught.value.lines == (
        "harness run: no worker could start; the last one ended with exit code 7. Try --workers 1.",
        "no room for torch",
    )
    assert not planned("good").folder.exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="workers are only forked on Linux")
def test_an_import_that_ends_what_would_fork_the_workers_is_quoted(planned, results, tmp_path, monkeypatch):
    text = "import os\nprint('libfoo.so is broken', flush=True)\nos._exit(7)\n"
    (tmp_path / "breaks_off.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("harness.suites.workers._needed", lambda planned: ["breaks_off"])
    with pytest.raises(UserError) as caught:
        list(results([planned("good")]))
    assert caught.value.lines == (
        "harness run: no worker could start; the last one ended with exit code 7. Try --workers 1.",
        "libfoo.so is broken",
    )


@pytest.mark.slow
@pytest.mark.parametrize(("number", "threads"), [(signal.SIGINT, SPAWNED), (signal.SIGTERM, FORKED)])
def test_a_signal_to_the_parent_ends_the_workers_at_once(number, threads, planned, results):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    board = Noted()
    board.begin_second = Timer(0.0, os.kill, (os.getpid(), number)).start
    with pytest.raises(KeyboardInterrupt):
        list(results([planned("waits", 0), planned("waits", 1)], board=board, threads=threads))
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
    assert not planned("waits").folder.exists()

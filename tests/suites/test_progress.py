"""What a person sees of several runs at a time."""

import io
import math
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from synthetic_runs import record

from harness.record import RECORD, CurvePoint, write_record
from harness.records import readable_record
from harness.suites import time_left
from harness.suites.progress import board
from harness.suites.time_left import TimeLeft, shares_done

POINT = CurvePoint(step=3, epoch=0.5, train_loss=0.7, validation_loss=0.6, validation_scores={"accuracy": 0.75})


def shown(*, terminal, runs=2):
    """A board with two runs under way, and what it writes to."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200, color_system=None)
    return board(runs, console), console


def test_a_log_has_a_line_for_each_fact_with_its_run():
    view, console = shown(terminal=False)
    with view:
        first, second = view.begin("mine · bert · seed 0"), view.begin("mine · bert · seed 1")
        second.on_evaluate(POINT)
        first.on_evaluate(POINT)
        view.end(first)
    score = "step 3 (epoch 0.50)  train loss 0.700  validation loss 0.600  accuracy 0.7500"
    assert console.file.getvalue().splitlines() == [
        f"  [2/2] mine · bert · seed 1: {score}",
        f"  [1/2] mine · bert · seed 0: {score}",
    ]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_score_that_was_not_measured_is_left_out(terminal):
    view, console = shown(terminal=terminal)
    scores = {"bleu": math.nan, "target_perplexity": 7.5}
    with view:
        row = view.begin("mine")
        row.on_evaluate(POINT.model_copy(update={"validation_scores": scores}))
        row.on_step(100, 100, loss=0.5, items=16)
    written = console.file.getvalue()
    assert "nan" not in written
    assert "7.500" in written


def test_a_log_says_how_long_is_left_from_the_steps_that_were_taken(monkeypatch):
    clock = iter([0.0, 0.0, 0.0, 0.0, 20.0, 20.0])
    monkeypatch.setattr("harness.suites.progress.time", SimpleNamespace(monotonic=lambda: next(clock)))
    view, console = shown(terminal=False)
    row = view.begin("mine")
    row.on_step(50, 100, loss=0.5, items=16)  # A run that goes on: what was done before says nothing of the speed.
    row.on_step(60, 100, loss=0.4, items=160)
    (line,) = console.file.getvalue().splitlines()
    assert line.endswith("80 s left")  # 10 steps took 20 s, and there are 40 more


def test_a_log_says_nothing_of_a_first_step_alone_whose_speed_is_not_known(monkeypatch):
    clock = iter([0.0, 0.0, 60.0, 60.0, 61.0, 61.0])
    monkeypatch.setattr("harness.suites.progress.time", SimpleNamespace(monotonic=lambda: next(clock)))
    view, console = shown(terminal=False)
    row = view.begin("mine")
    row.on_step(1, 100, loss=0.5, items=16)  # A minute of preparations
    row.on_step(2, 100, loss=0.4, items=16)
    (line,) = console.file.getvalue().splitlines()
    assert line.endswith("98 s left")


def test_a_terminal_has_a_bar_a_running_run_and_one_for_the_whole():
    view, console = shown(terminal=True)
    with view:
        first, second = view.begin("mine · [bert] · seed 0"), view.begin("mine · bert · seed 1")
        first.on_step(1, 10, loss=0.5, items=16)
        view.end(second)
    last = console.file.getvalue().replace("\r", "\n")
    assert "[1/2] mine · [bert] · seed 0" in last
    assert " 10 %" in last
    assert "loss 0.500" in last
    final = last[last.rindex("runs") :].splitlines()
    assert "1 of 2 done" in final[0]
    assert [line for line in final if "seed" in line and "seed 0" not in line] == []


def test_one_run_alone_needs_no_bar_for_the_whole():
    view, console = shown(terminal=True, runs=1)
    with view:
        view.begin("mine").on_step(1, 10, loss=0.5, items=16)
    assert "runs" not in console.file.getvalue()


def test_every_line_is_whole_at_80_columns_with_share_score_and_time_left(monkeypatch):
    monkeypatch.setattr("harness.suites.progress.time", SimpleNamespace(monotonic=lambda: 100.0))
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    view = board(12, console)
    with view:
        view.expect(754.0)
        row = view.begin("reuters_r8 · roberta-large-with-a-long-name · seed 3")
        row.on_evaluate(POINT)
        row.on_step(40, 100, loss=0.512, items=16)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue()).replace("\r", "\n").splitlines()
    assert max(map(len, lines)) <= 80
    (whole,) = {line.rstrip() for line in lines if line.startswith("runs") and "0 of 12 done" in line and ":" in line}
    assert whole.endswith("0:12:34 left")
    (running,) = {line for line in lines if "[1/12]" in line and " 40 %" in line and "loss 0.512 · 0.750" in line}
    assert running.startswith("[1/12] reute… · rober… · seed 3 ")  # The longest names are cut.


def test_a_line_is_said_while_workers_start_and_the_bar_of_the_whole_has_it():
    view, console = shown(terminal=False)
    view.start(2)
    assert console.file.getvalue() == "Starting 2 workers.\n"
    view, console = shown(terminal=True)
    with view:
        view.start(2)
    assert "starting 2 workers" in console.file.getvalue()


def test_a_log_says_how_long_the_suite_still_takes():
    view, console = shown(terminal=False, runs=3)
    view.expect(90.0)
    view.end(view.begin("mine"))
    view.expect(60.0)
    assert console.file.getvalue() == "  1 of 3 runs done, about 0:01:00 left.\n"


def run_of(task, model, folder=Path("none"), *, saved_step=0):
    return SimpleNamespace(
        task_and_model=(task, model),
        folder=folder / task / model,
        saved_step=saved_step,
        record_if_any=lambda: readable_record(folder / task / model / RECORD),
    )


def test_the_time_left_goes_by_what_the_same_model_cost_before():
    runs = [run_of("a", "bert"), run_of("a", "tfidf"), run_of("b", "bert"), run_of("b", "tfidf")]
    left = TimeLeft(runs, {}, workers=2)
    assert left.seconds() is None
    left.ended(runs[0], 100.0)
    left.ended(runs[1], 10.0)
    assert left.seconds() == 100.0  # (100 + 10) / 2 is less than the longest run takes alone.
    left.ended(runs[2], None)
    assert left.seconds() == 10.0


def test_of_a_run_with_a_saved_state_only_the_rest_is_left(tmp_path):
    (tmp_path / "a/bert").mkdir(parents=True)
    write_record(record(), tmp_path / "a/bert")  # Of 600 steps.
    done, begun = run_of("a", "bert", tmp_path), run_of("a", "bert", tmp_path / "other", saved_step=450)
    shares = shares_done([begun], [done, begun])
    assert shares == {begun.folder: 0.75}
    assert TimeLeft([begun], {("a", "bert"): 100.0}, workers=1, done=shares).seconds() == 25.0
    assert shares_done([begun], [begun]) == {}


def test_the_time_left_of_many_runs_is_told_without_a_mean_for_each(monkeypatch):
    """A mean for each, over what all those before took, would take an hour of a suite of 5,000 tasks."""
    taken = []
    monkeypatch.setattr(time_left, "fmean", lambda seconds: taken.append(list(seconds)) or 5.0)
    runs = [run_of(f"task-{number}", "bert") for number in range(20)]
    left = TimeLeft(runs, {}, workers=1)
    left.ended(runs[0], 5.0)
    assert left.seconds() == 95.0
    assert taken == [[5.0], [5.0]]  # of the model, and of all

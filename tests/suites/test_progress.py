"""What a person sees of several cells at a time."""

import io

from rich.console import Console

from harness.record import CurvePoint
from harness.suites.progress import board

POINT = CurvePoint(step=3, epoch=0.5, train_loss=0.7, validation_loss=0.6, validation_scores={"accuracy": 0.75})


def shown(*, terminal, cells=2):
    """A board with two cells under way, and what it writes to."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200, color_system=None)
    return board(cells, console), console


def test_a_log_has_a_line_for_each_fact_with_its_cell():
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


def test_a_log_says_how_long_is_left_from_the_steps_that_were_taken(monkeypatch):
    clock = iter([0.0, 0.0, 0.0, 0.0, 20.0, 20.0])
    monkeypatch.setattr("harness.suites.progress.time.monotonic", lambda: next(clock))
    view, console = shown(terminal=False)
    row = view.begin("mine")
    row.on_step(50, 100, loss=0.5, items=16)  # A run that goes on: what was done before says nothing of the speed.
    row.on_step(60, 100, loss=0.4, items=160)
    (line,) = console.file.getvalue().splitlines()
    assert line.endswith("80 s left")  # 10 steps took 20 s, and there are 40 more


def test_a_terminal_has_a_bar_a_running_cell_and_one_for_the_whole():
    view, console = shown(terminal=True)
    with view:
        first, second = view.begin("mine · [bert] · seed 0"), view.begin("mine · bert · seed 1")
        first.on_step(1, 10, loss=0.5, items=16)
        view.end(second)
    last = console.file.getvalue().replace("\r", "\n")
    assert "[1/2] mine · [bert] · seed 0" in last
    assert "1/10" in last
    assert "loss 0.500" in last
    final = last[last.rindex("runs") :].splitlines()
    assert "1/2" in final[0]
    assert [line for line in final if "seed" in line and "seed 0" not in line] == []


def test_one_cell_alone_needs_no_bar_for_the_whole():
    view, console = shown(terminal=True, cells=1)
    with view:
        view.begin("mine").on_step(1, 10, loss=0.5, items=16)
    assert "runs" not in console.file.getvalue()

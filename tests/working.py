"""Workers that only act a part: what they do with a run stands in its model's name. Nothing heavy is imported."""

import os
import signal
import sys
import time
from pathlib import Path

from harness.record import CurvePoint, RunRecord, TaskCard
from harness.suites.ended import Attempt
from harness.suites.worker import Noticed, Ready, Stepped

CARD = TaskCard(task_type="classification", main_metric="accuracy")
POINT = CurvePoint(step=1, epoch=1.0, train_loss=0.5, validation_loss=0.5, validation_scores={"accuracy": 0.5})


def act(pipe, place, log):
    """Take runs like a worker: "dies" is killed at it, "shows" tells of its place, and so on."""
    pipe.send(Ready())
    while True:
        run, _ = pipe.recv()
        log.write_text(f"printed for {run.model}\n")
        reason = ACTS.get(run.model, lambda *_: None)(pipe, place) or f"process {os.getpid()}"
        is_left = run.model == "elsewhere"
        pipe.send(Attempt(None if is_left else record(run, reason=reason), is_left=is_left))


def record(run, *, reason):
    return RunRecord(
        status="complete",
        reason=reason,
        suite=run.suite,
        task=run.config.task,
        model=run.model,
        family="majority",
        seed=run.config.seed,
        task_card=CARD,
        config=run.config.resolved(),
    )


def dies(pipe, place):
    os.kill(os.getpid(), signal.SIGKILL)


def ends(pipe, place):
    os._exit(3)


def breaks(pipe, place):
    raise ValueError("our own mistake")


def tells(pipe, place):
    pipe.send(Stepped(3, 10, 0.5, 48))
    pipe.send(POINT)


def notices(pipe, place):
    pipe.send(Noticed("data.csv: guessed separator semicolon."))


def waits(pipe, place):
    time.sleep(600)


def looks(pipe, place):
    return "imported" if "wave" in sys.modules else "not imported"


ACTS = {
    "looks": looks,
    "dies": dies,
    "ends": ends,
    "breaks": breaks,
    "tells": tells,
    "notices": notices,
    "waits": waits,
}


def never_begins(pipe, place, log):
    """Die before the first run is asked for."""
    log.write_text("first\nno room for torch\n")
    os._exit(7)


def one_begins(pipe, place, log):
    """Only the second place is fit to work in."""
    if place.threads == 1:
        os._exit(7)
    act(pipe, place, Path(log))

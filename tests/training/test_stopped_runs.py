"""A run that is asked to stop ends its step, saves its state, and goes on from there to the same result."""

import json
import os
import signal

import pytest
import torch
from command_line import reviews, write_csv
from safetensors.torch import load_file

from harness.training import loop
from harness.training.trainer import DivergedError

pytestmark = pytest.mark.slow

RECIPE = (
    "maximum_steps=6",
    "epochs=50",
    "batch_size=4",
    "evaluations_per_epoch=10",
    "learning_rate=1e-3",
    "dropout=0.1",
)


@pytest.fixture
def signalled(monkeypatch):
    """Sends signals in the middle of a step."""
    sent, count = [], loop._count

    def at(step, *numbers):
        def counted(progress, *given):
            count(progress, *given)
            if progress.step == step and not sent:
                for number in numbers:
                    sent.append(number)
                    os.kill(os.getpid(), number)

        monkeypatch.setattr(loop, "_count", counted)

    return at


@pytest.fixture
def words(command, tmp_path, checkpoints):
    settings = [f"--set={setting}" for setting in RECIPE]
    return ("run", f"--model={checkpoints['bert']}", "--train", write_csv(tmp_path / "a.csv", reviews(80)), *settings)


def left(folder):
    (record,) = folder.rglob("run.json")
    content = json.loads(record.read_text())
    facts = [content[name] for name in ("scores", "curve", "best_step", "counts", "notes")]
    return facts, load_file(record.parent / "checkpoint/model.safetensors")


def states(folder):
    return [state.name for state in folder.rglob("state/step-*")]


@pytest.mark.parametrize(
    ("step", "number"), [(2, signal.SIGINT), (3, signal.SIGTERM), (6, signal.SIGINT)], ids=["Ctrl-C", "Slurm", "last"]
)
def test_a_run_goes_on_from_the_step_at_which_it_was_stopped_to_the_same_bits(
    step, number, command, words, tmp_path, signalled
):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    assert command(*words, "--runs", tmp_path / "whole").code == 0
    signalled(step, number)
    stopped = command(*words, "--runs", tmp_path / "runs")
    assert stopped.code == 130
    assert [line for line in stopped.lines if line.startswith("Stop")] == [
        "Stopping: the step ends and the state is saved. Ctrl-C once more stops at once.",
        "Stopped. What is recorded is kept. Run the same command again to continue.",
    ]
    assert states(tmp_path / "runs") == [f"step-{step:09d}"]
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
    assert command(*words, "--runs", tmp_path / "runs").code == 0
    (whole, weights), (facts, ours) = left(tmp_path / "whole"), left(tmp_path / "runs")
    assert facts == whole
    assert all(torch.equal(tensor, weights[name]) for name, tensor in ours.items())


def test_a_second_ctrl_c_stops_at_once(command, words, tmp_path, signalled):
    signalled(2, signal.SIGINT, signal.SIGTERM, signal.SIGINT)
    assert command(*words).code == 130
    assert states(tmp_path) == []


def test_a_stop_in_a_step_that_ends_in_an_error_starts_no_other_run(command, words, tmp_path, signalled, monkeypatch):
    signalled(2, signal.SIGINT)

    def diverged(*_):
        raise DivergedError("the loss is nan")

    monkeypatch.setattr(loop, "save_state", diverged)
    stopped = command(*words, "--seeds", "2", "--workers", "1")
    assert stopped.code == 130
    assert list(tmp_path.rglob("run.json")) == []
    assert len(list(tmp_path.rglob("seed-*"))) == 1

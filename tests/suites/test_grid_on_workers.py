"""A suite on warm workers: the results of one run after the other, to the bit, whatever happens to the processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from pyarrow import parquet
from small_models import own_data, text_examples
from subprocesses import ROOT, Forked, Moment, environment, finish, workers_below
from waiting import LONGEST, wait_for

pytestmark = pytest.mark.slow

# Half of the runs compute in 16 bits: what one leaves in its process must not reach the next.
SUITE = """
tasks = ["mine"]
models = ["first", "second", "majority"]
seeds = [0, 1]
[variants]
first = "bert.toml"
second = "bert.toml"
[training]
maximum_steps = {steps}
epochs = 50
batch_size = 4
learning_rate = 1e-3
dropout = 0.1
[training_for.second]
precision = "bf16"
[data.mine]
train = "data/train.jsonl"
validation = "data/validation.jsonl"
test = "data/test.jsonl"
"""
FOLDERS = ["first/seed-0", "first/seed-1", "majority/seed-0", "second/seed-0", "second/seed-1"]


@dataclass(frozen=True)
class Grid:
    """A suite's file and the folder of its runs."""

    file: Path
    runs: Path

    def words(self, *flags):
        return ["-m", "harness", "run", str(self.file), f"--runs={self.runs}", *flags]

    def start(self, *flags, **variables):
        """The command in a session of its own, as in a terminal of its own."""
        return subprocess.Popen(
            [sys.executable, *self.words(*flags)],
            cwd=ROOT,
            env={**environment(), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def fork(self, *flags, **variables):
        """The command in a fork."""
        return Forked(self.words(*flags), **variables)

    def folder(self, run):
        return self.runs / self.file.stem / "mine" / run

    def record(self, run):
        return json.loads((self.folder(run) / "run.json").read_text())

    def check_same(self, other):
        """Every run is whole, and has the other's numbers and bytes."""
        for run in FOLDERS:
            ours, theirs = self.record(run), other.record(run)
            assert ours["status"] == "complete", (run, ours["reason"])
            for name in ("scores", "curve", "best_step", "counts", "config", "notes"):
                assert ours[name] == theirs[name], (run, name)
            files = [grid.folder(run) / "predictions.parquet" for grid in (self, other)]
            assert parquet.read_table(files[0]).equals(parquet.read_table(files[1])), run
            weights = [grid.folder(run) / "checkpoint/model.safetensors" for grid in (self, other)]
            assert weights[0].exists() == weights[1].exists() == (not run.startswith("majority"))
            if weights[0].exists():
                assert weights[0].read_bytes() == weights[1].read_bytes(), run
            assert sorted(path.name for path in self.folder(run).iterdir()) == [
                "checkpoint", "predictions.parquet", "run.json"
            ]  # fmt: skip


@pytest.fixture(scope="module")
def new_grid(checkpoints, tmp_path_factory):
    """A suite of two models and a simple baseline, of so many steps a run; each in a folder of its own."""

    def made(name, steps):
        folder = tmp_path_factory.mktemp(name)
        own_data(folder / "data", text_examples(101, longest=30), sizes=(None, 11, 13))
        (folder / "bert.toml").write_text(f'family = "bert"\ncheckpoint = {json.dumps(str(checkpoints["bert"]))}\n')
        (folder / "two.toml").write_text(SUITE.format(steps=steps))
        return Grid(folder / "two.toml", folder / "runs")

    return made


@pytest.fixture(scope="module")
def one_by_one(new_grid):
    """What the suite leaves when its runs are done one after the other in one process."""
    grid = new_grid("one", 40)
    code, output = finish(Forked(grid.words("--workers=1")))
    assert code == 0, output
    return grid


@pytest.fixture
def grid(one_by_one, tmp_path):
    """The same suite, with no runs yet."""
    return Grid(one_by_one.file, tmp_path / "runs")


def until(process, condition):
    """Wait for the condition, while the process runs."""
    wait_for(lambda: condition() or (process.poll() is not None and pytest.fail(finish(process)[1])))


def under_way(grid):
    """The runs with a saved state."""
    return [run for run in FOLDERS if list(grid.folder(run).glob(".partial/state/step-*[1-9]"))]


def test_two_workers_give_to_the_bit_what_one_process_gives(grid, one_by_one):
    code, output = finish(Forked(grid.words("--workers=2", "--track=tensorboard")))
    assert code == 0, output
    assert output.count("✓") == len(FOLDERS)
    assert {line.split("]")[0].strip() for line in output.splitlines() if "validation loss" in line} <= {
        f"[{number}/5" for number in range(1, 6)
    }
    logged = {file.relative_to(grid.folder("")).parts[:2] for file in grid.runs.rglob("events.out.tfevents*")}
    assert logged == {tuple(run.split("/")) for run in FOLDERS}
    assert {grid.record(run)["provenance"]["hardware"]["threads"] for run in FOLDERS} == {1}
    for run in FOLDERS:  # A tracker's files lie beside the result.
        shutil.rmtree(grid.folder(run) / "two", ignore_errors=True)
    grid.check_same(one_by_one)


def both_at_work(grid, start):
    """The command whose two workers hold, each with a saved state of its run, and what they hold for."""
    moment = Moment("*/state/step-*[1-9]")
    process = start("--workers=2", "--checkpoint-seconds=0", **moment.variables)
    moment.wait(process, count=2)
    assert len(under_way(grid)) == 2
    return process, moment


def test_a_killed_worker_costs_its_run_which_goes_on_from_its_state(grid, one_by_one):
    process, moment = both_at_work(grid, grid.fork)
    workers_below(process.pid)[0].kill()
    moment.end()
    code, output = finish(process)
    assert code == 1, output
    assert "1 of 5 failed; the same command retries them." in output
    (lost,) = [run for run in FOLDERS if grid.record(run)["status"] == "failed"]
    model, seed = lost.split("/seed-")
    lines = output.splitlines()
    place = lines.index(f"✗ mine · {model} · seed {seed}  failed")
    assert lines[place + 1].strip().startswith("its worker was killed (SIGKILL")
    state = list(grid.folder(lost).glob(".partial/state/step-*"))
    code, output = finish(Forked(grid.words("--workers=2")))  # One run is left, which needs no worker.
    assert code == 0, output
    assert "4 of 5 runs are recorded already" in output
    assert len(state) <= 2  # The kill may fall between writing one and dropping the one before.
    grid.check_same(one_by_one)


def stopped(grid, process, stop):
    """The exit code and what was said of the command, stopped when both workers are at a run; they go with it."""
    workers = workers_below(process.pid)
    assert len(workers) == 2
    stop()
    _, alive = psutil.wait_procs(workers, timeout=LONGEST)
    assert not alive
    assert not list(grid.runs.rglob("error.txt"))
    assert not [run for run in under_way(grid) if (grid.folder(run) / "run.json").exists()]
    return finish(process)


# What SIGTERM does in place of Ctrl-C is asked in test_workers.py.
def test_ctrl_c_in_the_terminal_leaves_no_worker_behind(grid):
    process, _ = both_at_work(grid, grid.start)
    code, output = stopped(grid, process, lambda: os.killpg(process.pid, signal.SIGINT))
    assert code == 130, output
    assert "Traceback" not in output
    assert "Stopped. What is recorded is kept. Run the same command again to continue." in output
    assert len(under_way(grid)) == 2


def test_a_parent_that_is_killed_leaves_no_worker_behind_and_the_same_command_goes_on(grid, one_by_one):
    process, _ = both_at_work(grid, grid.fork)
    code, output = stopped(grid, process, lambda: os.kill(process.pid, signal.SIGKILL))
    assert (code, "Traceback" in output) == (-signal.SIGKILL, False), output
    code, output = finish(Forked(grid.words("--workers=2")))
    assert code == 0, output
    grid.check_same(one_by_one)


def test_two_commands_on_one_suite_share_its_runs_and_spoil_nothing(grid, one_by_one):
    processes = [Forked(grid.words("--workers=1", "--checkpoint-seconds=0")) for _ in range(2)]
    outputs = [finish(process) for process in processes]
    for code, output in outputs:
        assert code == (3 if "left to another command" in output else 0), output
    said = "".join(output for _, output in outputs)
    assert said.count("✓") + said.count("recorded already") >= len(FOLDERS) - said.count("is running it")
    grid.check_same(one_by_one)


def test_workers_beside_accelerate_launch_are_refused(grid):
    words = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes=1", "-m", "harness", "run", str(grid.file)]
    done = subprocess.run(
        [sys.executable, *words, f"--runs={grid.runs}", "--workers=2"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "--workers 2: can't be used under accelerate launch. Leave one of them out." in done.stderr


def test_workers_that_are_asked_to_stop_save_the_states_of_their_runs(new_grid):
    grid = new_grid("asked", 100_000)
    process = grid.start("--workers=2", "--checkpoint-seconds=5", "--set=epochs=100000")
    until(process, lambda: len(under_way(grid)) == 2)
    asked = time.time()
    os.killpg(process.pid, signal.SIGTERM)  # As a scheduler does it.
    code, output = finish(process)
    assert code == 130, output
    assert "Stopping: runs in training end their step and save their state." in output
    assert "Traceback" not in output
    states = [state for run in under_way(grid) for state in grid.folder(run).glob(".partial/state/*")]
    assert len(states) == 2
    # A state that was just being written when the request came is as good as a new one.
    assert [state for state in states if state.stat().st_mtime < asked - 1] == []
    assert not list(grid.runs.rglob("run.json"))

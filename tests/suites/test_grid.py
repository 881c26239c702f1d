"""Suites at work: what is skipped, what is tried again, and that one failure costs one run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import read_record, reviews, write_csv

from harness.runs.run import Run
from harness.suites.attempt import attempt
from harness.suites.worker_slots import Machine, WorkerSlot
from harness.training.trainer import DivergedError

SUITE = """
tasks    = ["mine"]
models   = ["{bert}", "tfidf", "majority"]
baseline = "majority"
seeds    = [0, 1]
[training]
maximum_steps = 2
evaluations_per_epoch = 1
[data.mine]
train = "reviews.csv"
"""
RUNS = Path("runs/tiny/mine")


@pytest.fixture
def suite(command, checkpoints):
    """A suite with a checkpoint and two simple baselines, in a folder of its own."""
    write_csv(Path("reviews.csv"), reviews())
    shutil.copytree(checkpoints["bert"], "bert")
    Path("tiny.toml").write_text(SUITE.format(bert="bert/"))
    return "tiny.toml"


def states(command, *flags):
    """How many runs are in which state, as `harness plan` says."""
    result = command("plan", "tiny.toml", *flags)
    assert result.code == 0, result.errors
    return counted(result.output)


def counted(output):
    """The line with the counts, below the table of runs."""
    return next(line for line in output.splitlines() if line[:1].isdecimal())


def snapshot(folder):
    """Every file below a folder with its content and time."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in Path(folder).rglob("*")
    }


@pytest.mark.slow
def test_a_plan_shows_every_run_and_writes_nothing(command, suite):
    before = snapshot(".")
    result = command("plan", suite)
    assert result.code == 0
    assert counted(result.output) == "4 new"
    assert snapshot(".") == before


@pytest.mark.slow
def test_a_plan_says_what_of_each_model_is_there(command, suite):
    command("run", suite, "--only", "tfidf")
    _, *rows, total = (line.split() for line in command("plan", suite).output.splitlines()[:5])
    assert rows == [
        ["mine", "bert/", "0,", "1", "2e-05", "2", "new"],
        ["mine", "tfidf", "0", "–", "1", "complete"],
        ["mine", "majority", "0", "–", "1", "new"],
    ]
    assert total == ["3", "new,", "1", "complete"]


@pytest.mark.slow
def test_a_suite_runs_once_and_simple_baselines_run_with_one_seed_only(command, suite):
    first = command("run", suite)
    assert first.code == 0, first.output + first.errors
    found = sorted(str(file.parent.relative_to(RUNS)) for file in RUNS.rglob("run.json"))
    assert found == ["bert/seed-0", "bert/seed-1", "majority/seed-0", "tfidf/seed-0"]
    before = snapshot("runs/tiny/mine")
    second = command("run", suite)
    assert second.code == 0
    assert "4 of 4 runs are recorded already and are skipped." in second.output
    assert snapshot("runs/tiny/mine") == before


def test_no_workers_at_all_are_refused(command, suite):
    result = command("run", suite, "--workers", "0")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "--workers" in result.errors


@pytest.mark.slow
def test_one_run_alone_needs_no_worker(command, suite, monkeypatch):
    monkeypatch.setattr("harness.suites.runner.in_workers", None)
    assert command("run", suite, "--only", "majority", "--workers", "2").code == 0


@pytest.mark.parametrize(
    ("flags", "workers"), [((), [WorkerSlot(2), WorkerSlot(2)]), (("--workers=3",), [WorkerSlot(1)] * 3)]
)
def test_workers_are_the_default_as_many_as_suit_the_machine(flags, workers, command, suite, monkeypatch):
    machine = Machine(cores=4, gpus=(), memory_bytes=8 << 30, threads=None)
    slots = []
    monkeypatch.setattr("harness.suites.runner.this_machine", lambda: machine)
    monkeypatch.setattr(
        "harness.suites.runner.in_workers", lambda *_, worker_slots, **__: slots.extend(worker_slots) or iter(())
    )
    monkeypatch.setattr(command, "workers", None)
    assert command("run", suite, *flags).code == 0
    assert slots == workers


@pytest.mark.slow
def test_only_some_of_a_suite(command, suite):
    assert command("run", suite, "--only", "majority").code == 0
    assert states(command) == "3 new, 1 complete"
    result = command("plan", suite, "--only", "majorty", "--only", "mine")
    assert (result.code, result.lines) == (
        2,
        ["--only majorty: neither a task nor a model of this suite. Did you mean majority?"],
    )


@pytest.mark.slow
def test_what_is_left_out_is_not_even_looked_for(command, suite):
    content = Path(suite).read_text()
    Path(suite).write_text(
        content.replace('"tfidf"', '"tfidf", "no/model"').replace('["mine"]', '["mine", "lost"]')
        + '[data.lost]\ntrain = "lost.csv"\n'
    )
    both = command("plan", suite)
    assert (both.code, len(both.lines)) == (2, 2)
    flags = ["--only", "mine", "--only", "tfidf", "--only", "majority"]
    assert states(command, *flags) == "2 new"


@pytest.mark.slow
def test_a_plan_leaves_a_move_into_place_that_was_cut_short_to_the_run(command, suite):
    command("run", suite, "--only", "majority")
    run = RUNS / "majority/seed-0"
    (run / ".partial").mkdir()
    (run / "run.json").rename(run / ".partial/run.json")
    before = snapshot("runs")
    assert states(command, "--only", "majority") == "1 complete"
    assert snapshot("runs") == before
    assert "1 of 1 runs are recorded already" in command("run", suite, "--only", "majority").output
    assert not (run / ".partial").exists()
    assert (run / "run.json").is_file()


@pytest.mark.slow
def test_other_weights_in_the_same_folder_make_another_run_and_other_times_do_not(command, suite):
    command("run", suite)
    weights = Path("bert/model.safetensors")
    whole = weights.read_bytes()
    weights.write_bytes(whole)
    assert states(command) == "4 complete"
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    result = command("plan", suite)
    assert result.code == 2
    assert [line.split(":")[0].strip() for line in result.lines[1::2]] == ["weights"] * 2


def test_a_failing_run_stops_no_other_and_is_tried_again(command, suite):
    weights = Path("bert/model.safetensors")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    result = command("run", suite)
    assert result.code == 2
    assert "2 of 4 failed; the same command retries them once the input is corrected." in result.output
    assert "cut short or damaged" in read_record(RUNS / "bert/seed-0")["reason"]
    assert states(command) == "2 failed, 2 complete"
    before = snapshot(RUNS / "majority")
    weights.write_bytes(whole)
    assert command("run", suite).code == 0
    assert states(command) == "4 complete"
    assert snapshot(RUNS / "majority") == before


@pytest.mark.slow
def test_our_own_mistake_keeps_its_traceback_until_the_run_succeeds(command, suite, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("harness.models.baseline.BaselineFamily.fit", lambda *_, **__: 1 / 0)
        result = command("run", suite, "--only", "majority")
    assert result.code == 1
    assert "ZeroDivisionError: division by zero" in read_record(RUNS / "majority/seed-0")["reason"]
    assert "Traceback" in (RUNS / "majority/seed-0/error.txt").read_text()
    assert command("run", suite, "--only", "majority").code == 0
    assert not (RUNS / "majority/seed-0/error.txt").exists()


@pytest.mark.slow
def test_a_diverged_run_is_a_result_and_is_not_tried_again(command, suite, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("harness.runs.execution._finetuning", lambda: _diverge)
        result = command("run", suite, "--only", "bert/")
    assert result.code == 0
    assert "diverged\n    the loss is nan at step 3" in result.output
    assert states(command) == "2 diverged, 2 new"
    assert "2 of 2 runs are recorded already" in command("run", suite, "--only", "bert/").output


def _diverge(*_, **__):
    raise DivergedError("the loss is nan at step 3")


@pytest.mark.slow
def test_another_configuration_is_refused_for_the_differing_runs_and_redo_replaces_them(command, suite):
    command("run", suite)
    before = snapshot("runs")
    result = command("run", suite, "--set", "epochs=1")
    assert result.code == 2
    assert [line.strip() for line in result.lines[1::2]] == ["training.epochs: recorded 3.0, wanted 1.0"] * 2
    assert all("/bert/" in line for line in result.lines[::2]), "the simple baselines read no epochs"
    assert snapshot("runs") == before
    assert command("run", suite, "--set", "epochs=1", "--redo", "--only", "bert/").code == 0
    assert read_record(RUNS / "bert/seed-0")["config"]["training"]["epochs"] == 1.0


@pytest.mark.slow
def test_a_redo_that_was_killed_goes_on_where_it_was(command, suite, monkeypatch):
    baselines = ("--only", "tfidf", "--only", "majority")
    command("run", suite, *baselines)
    began = []

    def killed(run, options, callbacks):
        if began:
            raise SystemExit(9)
        began.append(run.model)
        return attempt(run, options, callbacks)

    with monkeypatch.context() as patch:
        patch.setattr("harness.suites.attempt.attempt", killed)
        assert command("run", suite, "--redo", *baselines).code == 9
    assert states(command, *baselines) == "1 complete, 1 unfinished"
    again = command("run", suite, "--redo", *baselines)
    assert again.code == 0
    assert "Resuming an interrupted --redo: 1 of 2 runs are left." in again.output
    assert began[0] not in again.output.partition("left.")[2]
    assert states(command, *baselines) == "2 complete"
    assert not list(RUNS.rglob(".partial"))
    assert "cut short" not in command("run", suite, "--redo", *baselines).output, "it has ended"


@pytest.mark.slow
def test_a_redo_that_was_killed_before_all_were_marked_is_begun_anew(command, suite, monkeypatch):
    baselines = ("--only", "tfidf", "--only", "majority")
    command("run", suite, *baselines)

    def killed(run):
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "confirm_redo", killed)
        assert command("run", suite, "--redo", *baselines).code == 9
    (RUNS / "tfidf/seed-0/.partial/redo").unlink()  # As if it had been killed one run sooner.
    output = command("run", suite, "--redo", *baselines).output
    assert "cut short" not in output
    assert all(f"✓ mine · {name}" in output for name in ("tfidf", "majority"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_any_other_file_of_a_checkpoint_makes_another_run(name, command, suite):
    command("run", suite, "--only", "bert/")
    file = Path("bert", name)
    if name == "model.safetensors":
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    else:
        file.write_text(file.read_text() + " ")
    result = command("run", suite, "--only", "bert/")
    assert result.code == 2
    key = "weights" if name == "model.safetensors" else f"files.checkpoint/{name}"
    assert all(line.strip().startswith(f"{key}: recorded ") for line in result.lines[1::2])


@pytest.mark.slow
def test_a_project_that_was_moved_finds_its_runs_again(command, suite, monkeypatch, tmp_path):
    Path("fresh.toml").write_text('checkpoint = "./bert"\ninit = "random"\ntokenizer = "./bert"\n')
    Path("errors.py").write_text(SCRIPT)
    Path(suite).write_text(
        SUITE.format(bert="bert/").replace('"tfidf"', '"fresh.toml"')
        + 'label = "label"\n[metrics]\nmine = ["accuracy", "evaluate:errors.py:lower"]\n'
    )
    assert command("run", suite).code == 0
    place = tmp_path / "moved"
    place.mkdir()
    for file in list(Path().iterdir()):
        if file.name != place.name:
            file.rename(place / file.name)
    monkeypatch.chdir(place)
    assert states(command) == "5 complete"
    Path("errors.py").write_text(SCRIPT.replace("!=", "is not"))
    result = command("plan", suite)
    assert result.code == 2
    assert all(line.strip().startswith("files.metrics/errors.py: ") for line in result.lines[1::2])


SCRIPT = """
import datasets
import evaluate


class Errors(evaluate.Metric):
    def _info(self):
        number = datasets.Value("int64")
        features = datasets.Features({"predictions": number, "references": number})
        return evaluate.MetricInfo(description="", citation="", features=features)

    def _compute(self, predictions, references):
        return {"errors": sum(p != r for p, r in zip(predictions, references))}
"""


@pytest.mark.slow
def test_a_redo_that_fails_leaves_the_old_result(command, suite):
    command("run", suite)
    before = snapshot(RUNS / "bert/seed-0")
    whole = Path("bert/model.safetensors").read_bytes()
    Path("bert/model.safetensors").write_bytes(b"")
    result = command("run", suite, "--redo", "--only", "bert/")
    assert result.code == 2
    shutil.rmtree(RUNS / "bert/seed-0/.partial")
    assert snapshot(RUNS / "bert/seed-0") == before
    Path("bert/model.safetensors").write_bytes(whole)
    assert states(command) == "4 complete"


@pytest.mark.slow
def test_a_full_disk_fails_the_run_and_the_others_go_on(command, suite, monkeypatch):
    command("run", suite, "--only", "tfidf")
    before = snapshot(RUNS / "tfidf")
    fsync = os.fsync

    def full(descriptor):
        if "/bert/" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    result = command("run", suite)
    assert result.code == 1
    assert "No space left on device" in result.output
    assert snapshot(RUNS / "tfidf") == before
    assert read_record(RUNS / "majority/seed-0")["status"] == "complete"


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 220 kB, on which two models do not fit; only root may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=220k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_for_good_fails_what_does_not_fit_and_keeps_the_rest(command, suite, small_disk):
    result = command("run", suite, "--runs", small_disk, "--set", "epochs=9", "--checkpoint-seconds", "0")
    assert result.code == 1
    assert "No space left on device" in result.output
    runs = small_disk / "tiny/mine"
    first, second = (read_record(runs / f"bert/seed-{seed}") for seed in (0, 1))
    assert first["status"] == "complete", "a state for which there is no room stops nobody"
    assert "a state could not be saved during the run, which continued without it" in first["notes"]
    assert second["status"] == "failed"
    assert read_record(runs / "tfidf/seed-0")["status"] == read_record(runs / "majority/seed-0")["status"] == "complete"


def test_a_runs_folder_that_cannot_be_made_is_told(command, suite):
    Path("occupied").touch()
    result = command("run", suite, "--runs", "occupied")
    assert result.code == 2
    assert result.errors.startswith("occupied/tiny: Not a directory.")


@pytest.mark.slow
def test_a_broken_record_is_told_and_a_redo_replaces_it(command, suite):
    command("run", suite)
    file = RUNS / "majority/seed-0/run.json"
    file.write_bytes(file.read_bytes()[:40])
    result = command("run", suite)
    assert result.code == 2
    assert len(result.lines) == 1
    assert "not a whole record" in result.lines[0]
    assert command("run", suite, "--redo", "--only", "majority").code == 0
    assert states(command) == "4 complete"

"""A suite on a Slurm cluster: what is submitted, that it is one run per task, and what is refused."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import slurm_here
from command_line import read_record, reviews, write_csv
from waiting import LONGEST, wait_for

from harness.errors import UserError
from harness.suites.cluster import Cluster
from harness.suites.slurm import script_text
from harness.suites.suite import read_suite

SUITE = """
tasks    = ["mine", "more"]
models   = ["tfidf", "majority"]
baseline = "majority"
seeds    = [0]
[data.mine]
train = "reviews.csv"
[data.more]
train = "more reviews.csv"
[cluster]
at_most = 2
{cluster}
"""
RUNS = {"mine/tfidf/seed-0", "mine/majority/seed-0", "more/tfidf/seed-0", "more/majority/seed-0"}
# Takes a script as sbatch does, and does its tasks one after the other, each in a process of its own.
SBATCH = """#!/bin/bash
script="${@: -1}"
echo "$@" >> "$FAKE/calls"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
for task in $(seq 0 "$last"); do
    SLURM_ARRAY_TASK_ID=$task bash "$script" > "$FAKE/output" 2>&1 || cp "$FAKE/output" "$FAKE/failed-$task"
done
wc -l < "$FAKE/calls"
"""
SCONTROL = "#!/bin/bash\necho 'MaxArraySize            = 3'\n"


@pytest.fixture
def suite(command, tmp_path, monkeypatch):
    """A suite of four simple runs, in a folder with a space in its name."""
    folder = tmp_path / "my work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_csv(Path("reviews.csv"), reviews())
    write_csv(Path("more reviews.csv"), reviews(start=100))
    Path("tiny.toml").write_text(SUITE.format(cluster=""))
    return Path("tiny.toml")


@pytest.fixture
def fake_slurm(tmp_path, monkeypatch):
    """The folder in which programs that stand for Slurm's leave what they were asked."""
    place = tmp_path / "fake"
    place.mkdir()
    for name, text in {"sbatch": SBATCH, "scontrol": SCONTROL}.items():
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    monkeypatch.setenv("FAKE", str(place))
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return place


def recorded():
    return {str(file.parent.relative_to("runs/tiny")) for file in Path("runs/tiny").rglob("run.json")}


def test_the_script_says_what_the_suite_asks_for_and_quotes_every_path(tmp_path, monkeypatch):
    place = tmp_path / 'a "b" 100%'
    place.mkdir()
    monkeypatch.chdir(place)
    asked = Cluster(partition="gpu,long", account="lab", time="12:00:00", gpus_per_run=1, cpus_per_run=8, memory="32G")
    text = script_text("my suite", asked, ["run", "my suite.toml"], place / "array-1.txt", 7)
    lines = text.splitlines()
    assert [line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")] == [
        'job-name="my suite"',
        "array=0-6",
        "requeue",
        "open-mode=append",
        f'chdir="{tmp_path}/a \\"b\\" 100%"',
        f'output="{tmp_path}/a \\"b\\" 100%%/%A_%a.log"',
        "partition=gpu,long",
        "account=lab",
        "time=12:00:00",
        "gpus=1",
        "cpus-per-task=8",
        "mem=32G",
    ]
    (command,) = (line for line in lines if " -m harness " in line)
    assert shlex.split(command)[1:] == ["-m", "harness", "run", "my suite.toml", "--just", "$run"]
    assert "#SBATCH --array=0-6%2\n" in script_text("tiny", Cluster(at_most=2), [], place / "array-1.txt", 7)


def test_a_script_that_is_asked_to_end_waits_until_its_run_has_saved_its_state(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text(
        "#!/bin/bash\ntrap 'sleep 0.2; echo saved; exit 130' TERM\necho ready\nwhile :; do sleep 0.05; done\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    script, listed = tmp_path / "script.sh", tmp_path / "array-1.txt"
    listed.write_text("tiny/majority/seed-0\n")
    script.write_text(script_text("tiny", Cluster(), ["run", "tiny.toml"], listed, 1))
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "0"}
    with subprocess.Popen(
        ["bash", script], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGTERM)
        assert process.stdout.read() == "saved\n"
    assert process.returncode == 130


def test_a_line_break_can_inject_nothing_into_a_script(tmp_path):
    with pytest.raises(UserError, match="can't have a line break"):
        script_text("tiny\nrm -r runs", Cluster(), [], tmp_path / "array-1.txt", 1)


def test_mistakes_in_cluster_are_told_at_once(suite):
    wrong = 'partition = "gpu; rm"\ntime = "soon"\nmemory = "16 GB"\ncpus_per_run = 0\ngpu_per_run = 1'
    suite.write_text(SUITE.format(cluster=wrong))
    with pytest.raises(UserError) as caught:
        read_suite(suite)
    beginnings = [
        "partition: must be a name",
        'time: must be like "90" (minutes)',
        'memory: must be like "16G"',
        "cpus_per_run: must be greater than or equal to 1 (got 0)",
        "gpu_per_run: no such setting (got 1). Did you mean gpus_per_run?",
    ]
    told = [line.removeprefix("tiny.toml: cluster.") for line in caught.value.lines]
    assert len(told) == len(beginnings)
    assert not [beginning for beginning in beginnings if not any(line.startswith(beginning) for line in told)], told


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--redo", "--workers", "2"), "--redo, --workers can't be used with --on slurm"),
        (("--trials", "2"), "--on slurm: this suite chooses recipes by trials"),
        (("--until", "decided"), "--on slurm: this suite adds seeds until comparisons are decided"),
    ],
)
def test_what_no_single_run_can_know_is_refused(words, line, command, suite, fake_slurm):
    result = command("run", "tiny.toml", "--on", "slurm", *words)
    assert (result.code, len(result.lines)) == (2, 1)
    assert line in result.errors
    assert not (fake_slurm / "calls").exists()


def test_another_folder_is_advised_in_place_of_redo_alone(command, suite, fake_slurm):
    told = {name: command("run", "tiny.toml", "--on", "slurm", *words).errors.strip() for name, words in (
        ("redo", ("--redo",)), ("workers", ("--workers", "2"))
    )}  # fmt: skip
    assert told["redo"].endswith("Leave it out; in place of --redo, name another --runs folder.")
    assert told["workers"].endswith("Leave it out.")


def test_without_a_suite_nothing_is_submitted(command, suite):
    result = command("run", "--train", "reviews.csv", "--model", "majority", "--on", "slurm")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "Name a suite" in result.errors


def test_a_machine_without_slurm_is_told_in_one_line(command, suite, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = command("run", "tiny.toml", "--on", "slurm")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "sbatch can't be started" in result.errors


def test_what_the_cluster_refuses_is_told(command, suite, fake_slurm):
    (fake_slurm / "sbatch").write_text("#!/bin/bash\necho 'sbatch: error: invalid account' >&2\nexit 1\n")
    result = command("run", "tiny.toml", "--on", "slurm")
    assert result.code == 2
    assert "    sbatch: error: invalid account" in result.errors


def test_a_run_that_the_suite_does_not_have_is_refused(command, suite):
    result = command("run", "tiny.toml", "--just", "mine/bert/seed-0")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "--just mine/bert/seed-0: this suite has no such run." in result.errors


@pytest.mark.slow
def test_a_plan_says_how_the_runs_would_be_spread_and_submits_nothing(command, suite, fake_slurm):
    suite.write_text(SUITE.format(cluster='gpus_per_run = 1\nmemory = "8G"\ntime = "0:01"'))
    on_slurm = command("plan", "tiny.toml", "--on", "slurm")
    assert on_slurm.code == 0, on_slurm.errors
    rows = [line.split() for line in on_slurm.output.splitlines()]
    assert [row[:2] for row in rows if row[:1] in (["1"], ["2"])] == [["1", "3"], ["2", "1"]]  # MaxArraySize is 3.
    assert "Each run asks for 1 GPU, 8G of memory." in on_slurm.output
    assert "2 at a time, one array after the other." in on_slurm.output
    assert 'time = "0:01" may be too short for mine/tfidf/seed-0' in on_slurm.output
    assert "and 1 more. Submitted again" in on_slurm.output
    assert not (fake_slurm / "calls").exists()
    on_ray = command("plan", "tiny.toml", "--on", "ray")
    assert re.search(r"^on Ray +tasks", on_ray.output, re.MULTILINE)
    assert "may be too short" not in on_ray.output  # The limit is Slurm's.
    until = command("plan", "tiny.toml", "--on", "slurm", "--until", "decided")
    assert (until.code, len(until.lines)) == (2, 1)


@pytest.mark.slow
def test_each_task_does_one_run_and_only_what_is_missing_is_submitted_again(command, suite, fake_slurm):
    assert command("run", "tiny.toml", "--just", "more/majority/seed-0").code == 0
    assert recorded() == {"more/majority/seed-0"}
    first = command("run", "tiny.toml", "--on", "slurm")
    assert first.code == 0, first.errors
    assert not list(fake_slurm.glob("failed-*")), (fake_slurm / "output").read_text()
    assert "1 of 4 runs are recorded already and are skipped." in first.output
    assert "Submitted 3 runs as job array 1." in first.output
    assert "squeue --jobs 1" in first.output
    assert "harness compare runs/tiny" in first.output
    assert set(Path("runs/tiny/slurm/array-1.txt").read_text().split()) == RUNS - {"more/majority/seed-0"}
    assert recorded() == RUNS
    again = command("run", "tiny.toml", "--on", "slurm")
    assert "Nothing to submit." in again.output
    assert len((fake_slurm / "calls").read_text().splitlines()) == 1


def test_more_runs_than_an_array_may_have_are_several_arrays_one_after_the_other(command, suite, fake_slurm):
    (fake_slurm / "sbatch").write_text('#!/bin/bash\necho "$@" >> "$FAKE/calls"\nwc -l < "$FAKE/calls"\n')
    result = command("run", "tiny.toml", "--on", "slurm")
    assert "squeue --jobs 1,2" in result.output, result.errors
    first, second = (fake_slurm / "calls").read_text().splitlines()
    assert "--dependency" not in first
    assert "--dependency=afterany:1 " in second
    lists = [Path(f"runs/tiny/slurm/array-{number}.txt").read_text().split() for number in (1, 2)]
    assert [len(names) for names in lists] == [3, 1]
    assert {*lists[0], *lists[1]} == RUNS


@pytest.fixture
def real_slurm(tmp_path, monkeypatch):
    """A real cluster of this machine."""
    reason = slurm_here.why_not()
    if reason:
        pytest.skip(reason)
    with slurm_here.cluster(tmp_path / "cluster") as configuration:
        if configuration is None:
            pytest.skip(f"Slurm does not start here within {slurm_here.STARTS_WITHIN:.0f} s")
        monkeypatch.setenv("SLURM_CONF", str(configuration))
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        yield


def ask(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=LONGEST).stdout


def wait_until(condition):
    wait_for(condition, every=0.5, otherwise=lambda: ask("squeue", "--array"))


@pytest.mark.slow
def test_on_a_real_cluster_a_requeued_task_and_a_killed_one_end_with_all_records(command, suite, real_slurm):
    first = command("run", "tiny.toml", "--on", "slurm")
    assert first.code == 0, first.errors
    arrays = re.findall(r"job array (\d+)", first.output)
    assert len(arrays) == 2  # MaxArraySize is 3.
    wait_until(lambda: len(ask("squeue", "-h", "--array", "--states=RUNNING").splitlines()) == 2)
    ask("scontrol", "requeue", f"{arrays[0]}_0")  # As when its node is lost.
    ask("scancel", "--signal=KILL", "--full", f"{arrays[0]}_1")
    wait_until(lambda: not ask("squeue", "-h", "--array"))
    killed = Path("runs/tiny/slurm/array-1.txt").read_text().split()[1]
    assert recorded() == RUNS - {killed}
    assert "Restarts=1" in ask("scontrol", "show", "job", f"{arrays[0]}_0")
    second = command("run", "tiny.toml", "--on", "slurm")
    assert "Submitted 1 run as" in second.output, second.errors
    wait_until(lambda: not ask("squeue", "-h", "--array"))
    assert recorded() == RUNS
    assert {read_record(Path("runs/tiny", name))["status"] for name in RUNS} == {"complete"}

"""A suite on a Ray cluster: each run is a task, a lost node costs its runs only, and results come back."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import psutil
import pytest
from command_line import read_record, reviews, write_csv
from waiting import wait_for

from harness.runs.options import Options, Resources
from harness.suites import on_ray
from harness.suites.brought import Brought
from harness.suites.cluster import Cluster
from harness.suites.ray_node import PIECE_BYTES, Job, OtherVersion, Piece, do_run, packed
from harness.suites.selection import resolve_suite
from harness.version import __version__

SUITE = """
tasks    = ["mine", "more"]
models   = ["{model}", "majority"]
baseline = "majority"
seeds    = [0]
[data.mine]
train = "reviews.csv"
[data.more]
train = "more reviews.csv"
[cluster]
{cluster}
"""
RUNS = {"mine/tfidf/seed-0", "mine/majority/seed-0", "more/tfidf/seed-0", "more/majority/seed-0"}
# A baseline that says where it runs, and goes on when it may.
WAITING = """
import os, time
from pathlib import Path
import ray
from harness.models.baselines.majority import family as majority


class Waiting(type(majority)):
    def fit(self, examples, **settings):
        node = ray.get_runtime_context().get_node_id()
        Path("begun", f"{time.time_ns()} {node} {os.getpid()}").touch()
        while not Path("go").exists():
            time.sleep(0.1)
        return super().fit(examples, **settings)


family = Waiting("majority")
"""


@pytest.fixture
def suite(command, tmp_path, monkeypatch):
    """A suite of four simple runs, in a folder with a space in its name."""
    folder = tmp_path / "my work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_csv(Path("reviews.csv"), reviews())
    write_csv(Path("more reviews.csv"), reviews(start=100))
    Path("tiny.toml").write_text(SUITE.format(model="tfidf", cluster=""))
    return Path("tiny.toml")


@pytest.fixture(scope="module")
def two_nodes():
    """A real cluster of two nodes on this machine, with a processor each."""
    pytest.importorskip("ray", reason="not installed: ray (pip install 'finetune-harness[ray]')")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        from ray.cluster_utils import Cluster as Nodes

        nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, **MEMORY})
        nodes.add_node(num_cpus=1, **MEMORY)
        patch.setenv("RAY_ADDRESS", nodes.address)
        yield nodes
        nodes.shutdown()


MEMORY = {"object_store_memory": 100 << 20}


def recorded(folder="runs/tiny"):
    return {str(file.parent.relative_to(folder)) for file in Path(folder).rglob("run.json")}


def begun():
    """The nodes and processes at which runs have begun, in this order."""
    return [name.split()[1:] for name in sorted(file.name for file in Path("begun").iterdir())]


@pytest.mark.slow
def test_a_node_killed_in_the_middle_costs_its_run_only_which_is_started_again(command, suite, two_nodes, monkeypatch):
    Path("mine/families").mkdir(parents=True)
    Path("mine/families/waiting.py").write_text(WAITING)
    Path("waiting.toml").write_text('family = "waiting"\n')
    suite.write_text(SUITE.format(model="waiting.toml", cluster='memory = "100M"').replace('"majority"]', '"tfidf"]'))
    suite.write_text(suite.read_text().replace('baseline = "majority"', 'baseline = "tfidf"'))
    Path("begun").mkdir()
    monkeypatch.setenv("HARNESS_ENTRIES", "mine")
    (lost,) = two_nodes.worker_nodes

    def kill_a_node():
        try:
            wait_for(lambda: len(begun()) == 2)
            (process,) = (int(process) for node, process in begun() if node == lost.node_id)
            two_nodes.remove_node(lost, allow_graceful=False)
            wait_for(lambda: not psutil.pid_exists(process))
        finally:
            Path("go").touch()  # Or the command would wait for ever.

    killer = Thread(target=kill_a_node)
    killer.start()
    result = command("run", "tiny.toml", "--on", "ray")
    killer.join()
    two_nodes.add_node(num_cpus=1, **MEMORY)
    assert result.code == 0, result.errors
    assert result.errors.count("its node or process was lost, and it is started again (1).") == 1
    first, second, again = (node for node, _ in begun())
    assert {first, second} == {lost.node_id, again}  # The run of the node that is left waited for the kill as well.
    assert recorded() == {name.replace("majority", "waiting") for name in RUNS}
    assert {read_record(Path("runs/tiny", name))["status"] for name in recorded()} == {"complete"}


@pytest.mark.slow
def test_ctrl_c_has_a_node_that_shares_the_disk_save_the_state_of_its_run(command, suite, two_nodes, checkpoints):
    suite.write_text(SUITE.format(model=checkpoints["bert"], cluster="").replace('["mine", "more"]', '["mine"]'))
    suite.write_text(
        suite.read_text().partition("[data.more]")[0] + "[training]\nmaximum_steps = 100000\nepochs = 1e6\n"
    )
    steps = []

    def states():
        return sorted(int(state.name[5:]) for state in Path("runs/tiny").glob("mine/*/seed-0/.partial/state/step-*"))

    def interrupt():
        try:
            steps.extend(wait_for(states))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    interrupter = Thread(target=interrupt)
    interrupter.start()
    result = command("run", "tiny.toml", "--on", "ray", "--checkpoint-seconds", "5")
    interrupter.join()
    assert (result.code, "Stopping: runs in training end their step" in result.errors) == (130, True)
    assert states()[-1] > steps[-1]
    assert not list(Path("runs").rglob(".claim"))


@pytest.mark.slow
def test_a_python_that_ray_cannot_start_is_refused_rather_than_tried_for_ever(command, suite, monkeypatch):
    pytest.importorskip("ray", reason="not installed: ray (pip install 'finetune-harness[ray]')")
    suite.write_text(SUITE.format(model="tfidf", cluster="upload = true"))
    monkeypatch.setattr("sys.executable", "/a folder/bin/python")
    result = command("run", "tiny.toml", "--on", "ray")
    assert result.code == 2
    assert "path has a blank, as /a folder/bin/python has" in result.errors


@pytest.mark.slow
@pytest.mark.skipif(len(sys.executable.split()) > 1, reason="Ray can't start a Python whose path has a blank")
def test_nodes_with_disks_of_their_own_bring_back_what_a_run_leaves_here(command, suite, two_nodes, monkeypatch):
    monkeypatch.setattr("harness.suites.ray_node.PIECE_BYTES", 100)
    assert command("run", "tiny.toml", "--runs", "here").code == 0
    suite.write_text(SUITE.format(model="tfidf", cluster="upload = true\nat_most = 2"))
    monkeypatch.setattr(on_ray, "_sign", unseen)
    result = command("run", "tiny.toml", "--on", "ray")
    assert result.code == 0, result.errors
    assert recorded() == RUNS
    for name in RUNS:
        here, there = (read_record(Path(folder, "tiny", name)) for folder in ("here", "runs"))
        assert there["files"] == here["files"]
        assert there["scores"] == here["scores"]
    assert not list(Path("runs").rglob(".partial"))
    assert command("compare", "runs/tiny").code == 0


@pytest.mark.slow
def test_a_run_whose_process_is_always_lost_fails_and_the_others_go_on(command, suite, two_nodes, monkeypatch):
    Path("mine/families").mkdir(parents=True)
    Path("mine/families/dying.py").write_text(
        "import os\nclass Dying:\n    def fit(self, *_, **__):\n        os._exit(1)\n    load = fit\nfamily = Dying()\n"
    )
    Path("dying.toml").write_text('family = "dying"\n')
    suite.write_text(SUITE.format(model="dying.toml", cluster=""))
    monkeypatch.setenv("HARNESS_ENTRIES", "mine")
    result = command("run", "tiny.toml", "--on", "ray", "--only", "mine")
    assert result.code == 1
    assert "its node or process was lost 3 times" in result.output
    assert read_record(Path("runs/tiny/mine/majority/seed-0"))["status"] == "complete"


def unseen(waiting):
    """A sign that no node sees, as on disks of their own."""
    from contextlib import nullcontext

    return nullcontext(Path("nowhere"))


def planned(name):
    return next(
        run
        for run in resolve_suite("tiny.toml", only=None, settings=None, runs=Path("runs"))[1]
        if name in str(run.folder)
    )


def job(**other):
    return replace(Job(__version__, Path.cwd(), Path("nowhere"), {}, is_uploaded=False), **other)


def test_a_cluster_that_says_nothing_asks_for_one_processor():
    assert Cluster().resources() == Resources(cpus=1, gpus=0, memory_bytes=None, at_most=None)
    asked = Cluster(cpus_per_run=4, gpus_per_run=1, memory="2G", at_most=8, upload=True).resources()
    assert asked == Resources(4, 1, 2 << 30, 8, upload=True)


def test_a_node_with_another_harness_does_nothing(suite):
    told = list(do_run(packed(planned("mine/majority"), Options()), job(version="0.0.1"), again=False))
    assert [type(one) for one in told] == [OtherVersion]
    assert not Path("runs").exists()


def test_a_node_with_other_data_is_told_of_and_records_no_result(suite):
    run = planned("mine/majority")
    write_csv(Path("reviews.csv"), reviews(start=7))
    *_, ended = do_run(packed(run, Options()), job(), again=False)
    assert ended.is_mistake
    assert "its data is not what the command planned with" in ended.record.reason
    assert "set upload = true in [cluster]" in ended.record.reason


@pytest.mark.slow
def test_what_comes_for_a_run_that_is_recorded_meanwhile_is_left_out(command, suite):
    assert command("run", "tiny.toml", "--just", "mine/majority/seed-0").code == 0
    before = read_record(Path("runs/tiny/mine/majority/seed-0"))
    *pieces, ended = do_run(packed(planned("mine/majority"), Options()), job(), again=False)
    brought = Brought(planned("mine/majority"), redo=False)
    for piece in pieces:
        if isinstance(piece, Piece):
            brought.write(piece)
    assert brought.placed(ended).record is None
    brought.close()
    assert read_record(Path("runs/tiny/mine/majority/seed-0")) == before


def test_a_large_file_comes_in_pieces(suite):
    brought, content = Brought(planned("mine/majority"), redo=False), os.urandom(PIECE_BYTES + 1)
    brought.write(Piece("checkpoint/weights", content[:PIECE_BYTES], is_first=True))
    brought.write(Piece("checkpoint/weights", content[PIECE_BYTES:], is_first=False))
    brought.close()
    assert Path("runs/tiny/mine/majority/seed-0/.partial/checkpoint/weights").read_bytes() == content


@pytest.mark.slow
def test_a_machine_without_ray_or_without_a_cluster_is_told_in_one_line(command, suite, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    client = command("run", "tiny.toml", "--on", "ray")
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    missing = command("run", "tiny.toml", "--on", "ray")
    assert (client.code, missing.code) == (2, 2)
    assert "is a Ray client's address" in client.errors
    assert "Ray is not installed" in missing.errors


def test_workers_and_one_run_can_not_stand_beside_a_cluster(command, suite):
    result = command("run", "tiny.toml", "--on", "ray", "--workers", "2")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "--workers can't be used with --on ray" in result.errors

"""A suite on a Ray cluster that grows: the autoscaler starts nodes for the runs, and ends them when they are idle."""

from pathlib import Path

import pytest
from command_line import read_record, reviews, write_csv
from growing_ray import growing

from harness.errors import notice
from harness.suites import on_ray, ray_room
from harness.suites.ray_room import Room

pytestmark = pytest.mark.slow

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
cpus_per_run = {processors}
"""
RUNS = {f"{task}/{model}/seed-0" for task in ("mine", "more") for model in ("tfidf", "majority")}


@pytest.fixture(scope="module", params=[False, True], ids=["waiting", "refusing"])
def cluster(request, tmp_path_factory):
    """A cluster that has no processor yet, and lets what it can't hold wait, or refuses it."""
    pytest.importorskip("ray", reason="not installed: ray (pip install 'finetune-harness[ray]')")
    with growing(tmp_path_factory.mktemp("ray"), refuses=request.param) as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", found.address)
        yield found


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """A suite of four simple runs."""
    notice.cache_clear()
    monkeypatch.chdir(tmp_path)
    write_csv(Path("reviews.csv"), reviews())
    write_csv(Path("more reviews.csv"), reviews(start=100))
    Path("tiny.toml").write_text(SUITE.format(processors=1))
    return Path("tiny.toml")


def test_nodes_are_started_for_a_suite_which_is_told_and_leave_when_it_is_done(command, suite, cluster, monkeypatch):
    def told(line):
        notice(line)
        if "the cluster is growing" in line:
            cluster.may_start.touch()

    monkeypatch.setattr(ray_room, "notice", told)
    monkeypatch.setattr(on_ray, "LOOK_SECONDS", 0.2)
    assert cluster.added() == 0
    result = command("run", "tiny.toml", "--on", "ray")
    assert result.code == 0, result.errors
    assert "No node of the Ray cluster has 1 CPU yet; the cluster is growing: " in result.errors
    assert {read_record(Path("runs/tiny", name))["status"] for name in RUNS} == {"complete"}
    assert cluster.added(with_gone=True) >= 1
    cluster.wait_until_shrunk()


def test_a_run_that_no_node_can_ever_hold_is_told(suite, cluster, monkeypatch):
    import ray

    told = []
    monkeypatch.setattr(ray_room, "notice", told.append)
    monkeypatch.setattr(ray_room, "QUIET_SECONDS", 0.0)
    cluster.wait_until_shrunk()
    ray.init(cluster.address, log_to_driver=False)
    try:
        Room(ray, {"CPU": 4, "GPU": 0}).is_awaited()
    finally:
        ray.shutdown()
    (line,) = told
    assert line.startswith(
        "No node of the Ray cluster has 4 CPUs (the most that one has: 0 CPUs), and none is starting."
    )


@pytest.mark.parametrize("cluster", [True], indirect=True)
def test_a_cluster_that_refuses_what_it_can_never_hold_ends_the_command(command, suite, cluster, monkeypatch):
    monkeypatch.setattr(ray_room, "QUIET_SECONDS", 5.0)
    monkeypatch.setattr(on_ray, "LOOK_SECONDS", 0.5)
    suite.write_text(SUITE.format(processors=4))
    result = command("run", "tiny.toml", "--on", "ray")
    assert result.code == 2
    assert "No node of the Ray cluster has 4 CPUs (the most that one has: " in result.errors
    assert "Ray says: The task is not schedulable" in result.errors
    assert not list(Path("runs").rglob("run.json"))

"""What the user is told while no run is in progress on a Ray cluster, by what its nodes have."""

from types import SimpleNamespace

import pytest

from harness.errors import UserError, notice
from harness.suites import ray_room
from harness.suites.ray_room import Room

ASKED = {"CPU": 4, "GPU": 1, "TPU": 0, "memory": 2 << 30}
LARGE = {"CPU": 8.0, "GPU": 1.0, "memory": float(4 << 30)}


@pytest.fixture
def told(capsys, monkeypatch):
    """What is told of nodes with these resources, after this many seconds without a run."""
    notice.cache_clear()

    def of(*nodes, seconds=61.0, starting=0, failures=(), refusal=""):
        monkeypatch.setattr(ray_room, "_growth", lambda ray: (starting, list(failures)))
        ray = SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": node} for node in nodes])
        now = [0.0]
        monkeypatch.setattr(ray_room, "time", SimpleNamespace(monotonic=lambda: now[0]))
        room = Room(ray, ASKED)
        room.is_refused(refusal)
        now[0] += seconds
        room.is_awaited()
        return capsys.readouterr().err

    return of


def test_nodes_in_use_are_told_of_after_a_minute_only(told):
    assert told(LARGE, seconds=59) == ""
    line = "the Ray nodes that have 4 CPUs, 1 GPU, 2.0 GiB of memory are in use."
    assert line in told({}, LARGE)


def test_starting_nodes_are_told_of_at_once(told):
    assert "the cluster is growing: 2 nodes are starting." in told({"CPU": 2.0}, seconds=1, starting=2)


def test_what_no_node_has_is_told_with_the_most_that_one_has(told):
    line = told({"CPU": 2.0, "GPU": 1.0, "memory": float(1 << 30)}, {"CPU": 3.0})
    assert "has 4 CPUs, 1 GPU, 2.0 GiB of memory (the most that one has: 3 CPUs, 1.0 GiB of memory)" in line
    assert "none is starting. The runs wait for such a node" in line


def test_resources_that_only_several_nodes_have_together_are_told_as_such(told):
    assert "2.0 GiB of memory at once, and none is starting." in told({**LARGE, "GPU": 0.0}, {**LARGE, "CPU": 1.0})


def test_why_the_last_node_failed_to_start_is_told(told):
    assert "The last one failed to start: quota." in told({}, failures=["no machine", "quota"])


def test_a_cluster_without_any_node_is_no_error(told):
    assert "(the most that one has: 0 CPUs, 0 GPUs, 0.0 GiB of memory)" in told()


def test_runs_that_ray_refuses_are_given_up_unless_nodes_are_starting(told):
    assert "2 nodes are starting" in told({}, starting=2, refusal="not schedulable")
    assert told({}, seconds=59, refusal="not schedulable") == ""
    with pytest.raises(UserError, match=r"none is starting\..* Ray says: not schedulable"):
        told({}, refusal="not schedulable")

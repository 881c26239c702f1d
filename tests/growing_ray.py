"""A Ray cluster of this machine alone that grows and shrinks, for tests: real nodes, started by Ray's autoscaler.

`ray.cluster_utils.AutoscalingCluster` would stop every Ray process of this machine, so the head is started here.
"""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from free_ports import free_ports
from waiting import LONGEST, wait_for

IDLE_SECONDS = 3.0
MOST_NODES = 2
MARK = "GROWING_RAY"
"""The environment variable that tells the processes of a cluster from any others."""
HEAD_TYPE = "ray.head.default"
"""The only name of it that the provider for tests knows."""
OBJECT_STORE = 100 << 20
"""Bytes of memory for the objects of each node."""
# The provider, which starts nodes once a file is there. It is imported by the head's autoscaler.
PROVIDER = """
import time
from pathlib import Path

from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider


class Provider(FakeMultiNodeProvider):
    def create_node_with_resources_and_labels(self, *given):
        while not Path({may_start!r}).exists():
            time.sleep(0.05)
        super().create_node_with_resources_and_labels(*given)
"""


@dataclass(frozen=True)
class Growing:
    """A running cluster.

    Attributes:
        address: Where to connect.
        head: The ID of the head, which has no processor.
        may_start: The file without which no node is started.
    """

    address: str
    head: str
    may_start: Path
    _state: Any

    def added(self, *, with_gone: bool = False) -> int:
        """How many nodes the autoscaler has added; without those that have left again, unless `with_gone`."""
        nodes = [node for node in self._state.node_table() if node["NodeID"] != self.head]
        return sum(node["Alive"] or with_gone for node in nodes)

    def starting(self) -> int:
        """How many nodes the autoscaler holds for starting, which its nodes may also be while they leave."""
        from ray.autoscaler.v2.sdk import get_cluster_status

        status = get_cluster_status(self.address, timeout=int(LONGEST))
        return sum(launch.count for launch in status.pending_launches) + len(status.pending_nodes)

    def wait_until_shrunk(self) -> None:
        """Wait until all added nodes have left, those that are still starting too."""
        wait_for(lambda: not (self.starting() or self.added()), every=0.2)


@contextmanager
def growing(folder: Path, *, refuses: bool = False):
    """Start a head without processors, whose autoscaler adds up to two nodes of one processor.

    With `refuses`, a task ends if there is no node for it and the autoscaler can't add one, as when it has added all;
    without, which is Ray's default, it waits.
    """
    from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID
    from ray.cluster_utils import Cluster
    from ray.util import get_node_ip_address

    mark = uuid4().hex
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**_environment(folder, FAKE_HEAD_NODE_ID, refuses=refuses), MARK: mark}.items():
            patch.setenv(name, value)
        (port,), may_start = free_ports(), folder / "nodes may start"
        (folder / "held_nodes.py").write_text(PROVIDER.format(may_start=str(may_start)))
        config = folder / "autoscaler.json"
        config.write_text(json.dumps(_config(f"{get_node_ip_address()}:{port}", FAKE_HEAD_NODE_ID)))
        head = {
            "num_cpus": 0,
            "object_store_memory": OBJECT_STORE,
            "include_dashboard": False,
            "gcs_server_port": port,
            "autoscaling_config": str(config),
            "env_vars": {"RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID},
        }
        try:
            nodes = Cluster(initialize_head=True, head_node_args=head)
            yield Growing(nodes.address, FAKE_HEAD_NODE_ID, may_start, nodes.global_state)
            nodes.shutdown()
        finally:
            _end(mark)  # The autoscaler's nodes would notice only after a minute that their head is gone.


def _environment(folder: Path, head: str, *, refuses: bool) -> dict[str, str]:
    """What the head's processes read: the autoscaler of Ray's launcher and of KubeRay, its provider for tests."""
    return {
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), str(folder)]),
        "RAY_CLOUD_INSTANCE_ID": head,
        "RAY_FAKE_CLUSTER": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_enable_infeasible_task_early_exit": str(refuses).lower(),
    }


def _config(address: str, head: str) -> dict[str, object]:
    commands = ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray")
    return {
        "cluster_name": "growing",
        "max_workers": MOST_NODES,
        "idle_timeout_minutes": IDLE_SECONDS / 60,
        "upscaling_speed": 100,
        "provider": {
            "type": "external",
            "module": "held_nodes.Provider",
            "gcs_address": address,
            "head_node_id": head,
            "launch_multiple": True,
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "head_node_type": HEAD_TYPE,
        "available_node_types": {
            HEAD_TYPE: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "one": {
                "resources": {"CPU": 1, "object_store_memory": OBJECT_STORE},
                "node_config": {},
                "min_workers": 0,
                "max_workers": MOST_NODES,
            },
        },
        **{f"{name}_commands": [] for name in commands},
        **{name: {} for name in ("auth", "docker", "file_mounts")},
        **{name: [] for name in ("cluster_synced_files", "rsync_exclude", "rsync_filter")},
    }


def _end(mark: str) -> None:
    left = [process for process in psutil.process_iter() if _is_marked(process, mark)]
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=LONGEST)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(MARK) == mark
    except psutil.Error:
        return False

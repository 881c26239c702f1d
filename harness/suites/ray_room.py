"""Why no run is in progress on a Ray cluster: no node is large enough, one is starting, or all are in use."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.errors import UserError, notice
from harness.printable import printable

LOOK_SECONDS = 10.0
QUIET_SECONDS = 60.0
"""Seconds without a run in progress after which the user is told why; that nodes are starting is told at once."""

_ASK_LESS = "Add such a node, or ask for less in [cluster]."


class Room:
    """Tells the user why no run is in progress, each reason once.

    Args:
        ray: The module, connected to a cluster.
        asked: The resources of each run by Ray's names, such as {"CPU": 4, "memory": 2147483648}.
    """

    def __init__(self, ray: Any, asked: Mapping[str, float]) -> None:
        self._ray, self._asked = ray, {name: amount for name, amount in asked.items() if amount}
        self._since, self._refusal = time.monotonic(), ""

    def is_refused(self, why: str) -> None:
        """Note that Ray refused a run, because the cluster has no room for it now or ever."""
        self._refusal = why

    def is_used(self) -> None:
        """Note that a run is in progress."""
        self._since = time.monotonic()

    def is_awaited(self) -> None:
        """Note that no run is in progress; tell the user why if that has lasted, or if the cluster is growing.

        Raises:
            UserError: If that has lasted, no node is large enough or starting, and Ray refuses the runs.
        """
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        has_waited = time.monotonic() - self._since >= QUIET_SECONDS
        if any(_fits(node, self._asked) for node in nodes):
            if has_waited:
                notice(f"No run is in progress yet: the Ray nodes that have {words(self._asked)} are in use.")
            return
        starting, failures = _growth(self._ray)
        if starting:
            many = "1 node is" if starting == 1 else f"{starting} nodes are"
            notice(f"No node of the Ray cluster has {words(self._asked)} yet; the cluster is growing: {many} starting.")
        elif has_waited and self._refusal:
            raise UserError(f"--on ray: {_lack(self._asked, nodes, failures)} {_ASK_LESS} Ray says: {self._refusal}")
        elif has_waited:
            notice(f"{_lack(self._asked, nodes, failures)} The runs wait for such a node; to stop: Ctrl-C. {_ASK_LESS}")


def _fits(node: Mapping[str, float], asked: Mapping[str, float]) -> bool:
    return all(node.get(name, 0) >= amount for name, amount in asked.items())


def _growth(ray: Any) -> tuple[int, list[str]]:
    """How many nodes an autoscaler is starting, and why the last ones failed to start; (0, []) without one."""
    try:
        from ray.autoscaler.v2.sdk import get_cluster_status  # noqa: PLC0415 -- an extra, and not in every version of it

        status = get_cluster_status(ray.get_runtime_context().gcs_address)
    except (ImportError, AttributeError, RuntimeError, ValueError, ray.exceptions.RayError):
        return 0, []
    starting = sum(launch.count for launch in status.pending_launches) + len(status.pending_nodes)
    return starting, [printable(str(launch.details)) for launch in status.failed_launches if launch.details]


def _lack(asked: Mapping[str, float], nodes: Sequence[Mapping[str, float]], failures: Sequence[str]) -> str:
    most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in asked}
    short = {name: amount for name, amount in most.items() if amount < asked[name]}
    largest = f" (the most that one has: {words(short)})" if short else " at once"
    failed = f" The last one failed to start: {failures[-1]}." if failures else ""
    return f"No node of the Ray cluster has {words(asked)}{largest}, and none is starting.{failed}"


def words(amounts: Mapping[str, float]) -> str:
    """Describe amounts of Ray's resources by their names.

    >>> words({"CPU": 4, "GPU": 1, "memory": 2 << 30})
    '4 CPUs, 1 GPU, 2.0 GiB of memory'
    """
    return ", ".join(_amounts(amounts))


def _amounts(amounts: Mapping[str, float]) -> Iterator[str]:
    for name, amount in amounts.items():
        if name == "memory":
            yield f"{amount / (1 << 30):.1f} GiB of memory"
        else:
            yield f"{amount:g} {name}{'' if amount == 1 else 's'}"

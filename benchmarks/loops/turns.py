"""Turns: processes that work one at a time, so that whatever slows the machine down slows all of them.

A worker gets ready, waits for its turn, works, reports its time, and waits again. Seconds are processor time, which
other programs slow down less than wall-clock time. Wall-clock time is kept to show how busy the machine was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

ROOT = Path(__file__).parents[2]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Turn:
    """What a turn took.

    Attributes:
        seconds: Of the processor.
        clock: Of the clock.
        value: What was found: a mean loss, or operations a second.
    """

    seconds: float
    clock: float
    value: float


class Channel:
    """The worker's side; whatever its libraries print goes to the error stream instead."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._started = (0.0, 0.0)

    def wait(self) -> None:
        """Wait for a turn; at the end of all there are, stop the process."""
        if not sys.stdin.readline():
            raise SystemExit
        self._started = time.process_time(), time.perf_counter()

    def report(self, value: float) -> None:
        """Say that the turn is over, and what it found."""
        seconds, clock = time.process_time() - self._started[0], time.perf_counter() - self._started[1]
        print(json.dumps({"seconds": seconds, "clock": clock, "value": value}), file=self._answers, flush=True)


class Worker:
    """The other side: a process that takes turns."""

    def __init__(self, job: Mapping[str, Any], *, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            job: What `worker.py` is to do.
            folder: For what its libraries say.
            environment: Of the process, on top of our own.
        """
        self.log = folder / f"worker-{id(self)}.log"
        with self.log.open("w") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.loops.worker", json.dumps(job)],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
            )

    def turn(self) -> Turn:
        """One turn.

        Raises:
            RuntimeError: The process has died.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"a loop died:\n{self.log.read_text()[-3000:]}")
        return Turn(**json.loads(answer))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # It is in the middle of a turn that nobody waits for.
            self._process.kill()
            self._process.wait()


def interleaved(
    takers: Mapping[str, Callable[[], Result]], rounds: int, *, warm_up: int = 1
) -> dict[str, list[Result]]:
    """What each taker's turns gave: in every round all of them take one, in their order.

    Args:
        takers: Take a turn each time that they are called.
        rounds: How many are counted.
        warm_up: How many go before these, and are not.
    """
    found: dict[str, list[Result]] = {name: [] for name in takers}
    for index in range(warm_up + rounds):
        for name, turn in takers.items():
            result = turn()
            if index >= warm_up:
                found[name].append(result)
    return found

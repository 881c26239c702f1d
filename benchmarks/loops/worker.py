"""A process that does one job turn by turn: `python -m benchmarks.loops.worker JOB`, started by `turns.Worker`."""

from __future__ import annotations

import importlib
import json
import sys

from benchmarks.loops.job import Job
from benchmarks.loops.turns import Channel


def main() -> None:
    """Take turns until there are no more."""
    channel, job = Channel(), Job(**json.loads(sys.argv[1]))
    module = importlib.import_module(f"benchmarks.loops.{job.module}")
    getattr(module, job.mode)(job, channel)


if __name__ == "__main__":
    main()

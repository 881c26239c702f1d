"""The harness in processes of its own: started, killed, several at once."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from pyarrow import parquet
from safetensors.torch import load_file

from harness.data.custom import column_roles

ROOT = Path(__file__).parent.parent
LONGEST = 300.0  # seconds


@dataclass(frozen=True)
class Command:
    """A `harness run` on the user's own files.

    Attributes:
        own: The files.
        checkpoint: The model's folder.
        runs: The folder of runs.
        settings: Of the recipe.
    """

    own: object
    checkpoint: Path
    runs: Path
    settings: dict

    @property
    def words(self):
        files = [f"--{name}={path}" for name in ("train", "validation", "test") if (path := getattr(self.own, name))]
        roles = {role: getattr(self.own, role) for role in column_roles()}
        columns = [f"--{role}={name}" for role, names in roles.items() for name in names]
        settings = [f"--set={key}={value}" for key, value in self.settings.items()]
        return [
            "-m",
            "harness",
            "run",
            f"--model={self.checkpoint}",
            *files,
            *columns,
            *settings,
            f"--runs={self.runs}",
        ]

    @property
    def partial(self):
        found = list(self.runs.glob("single/*/*/seed-0/.partial"))
        return found[0] if found else None

    @property
    def folder(self):
        (found,) = self.runs.glob("single/*/*/seed-0")
        return found

    def record(self):
        return json.loads((self.folder / "run.json").read_text())

    def rows(self):
        return parquet.read_table(self.folder / "predictions.parquet").to_pylist()

    def weights(self):
        return load_file(self.folder / "checkpoint" / "model.safetensors")


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def start(words):
    """The words' process."""
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """The exit code and what was said; a process that hangs is killed, with its children."""
    try:
        output, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"hangs: {kill(process)[-2000:]}") from None
    return process.returncode, output


def workers_below(pid=None):
    """What multiprocessing started below a process (default: this one) and still runs: a child may end at any time."""
    found = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):  # or, by inheritance, a zombie
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def kill(process):
    """Kill the process and what it started, all at once; what it said."""
    started = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in started:
        one.kill()
    psutil.wait_procs(started[1:], timeout=10)
    return process.communicate()[0]


def kill_when(process, condition):
    """Kill the process as soon as the condition holds.

    Returns:
        None; or, where it ended before, what it said.
    """
    until = time.monotonic() + LONGEST
    while process.poll() is None and time.monotonic() < until:
        if condition():
            kill(process)
            return None
        time.sleep(0.0005)
    return f"code {process.returncode}: {finish(process)[1]}"

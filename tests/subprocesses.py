"""The harness in processes of its own: started, killed, several at once."""

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import psutil
from command_line import read_predictions
from safetensors.torch import load_file
from torch.distributed import TCPStore
from waiting import LONGEST, wait_for

from harness.cli import main
from harness.data.custom import column_roles

# Importing these takes longer than what most commands of tests do; here it is done once.
IMPORTED = (
    "harness.cli.pretraining",
    "harness.cli.running",
    "harness.pretraining.run",
    "harness.suites.attempt",
    "harness.training.finetuning",
    "pandas",
    "peft",
    "transformers.models.bert.modeling_bert",
    "transformers.models.bert.tokenization_bert",
)
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(IMPORTED)
ROOT = Path(__file__).parent.parent


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
        return read_predictions(self.folder)

    def weights(self):
        return load_file(self.folder / "checkpoint" / "model.safetensors")


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def start(words, **variables):
    """The words' process."""
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env={**environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Forked:
    """A `harness` command in a fork of a process that has imported everything, as if `start` had started it."""

    def __init__(self, words, **variables):
        assert words[:2] == ["-m", "harness"], words
        folder = tempfile.mkdtemp()  # The file outlives the process, which may be killed at any time.
        self._said = Path(folder, "said")
        self._process = _FORKS.Process(target=_be_harness, args=(words[2:], {**environment(), **variables}, self._said))
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def communicate(self, timeout=None):
        """All that it wrote, and nothing beside; as of `Popen`."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("harness", timeout)
        said = self._said.read_text(errors="replace") if self._said.exists() else ""
        return said, None


class TwoForked:
    """A `harness` command as two processes with the variables that `accelerate launch` gives them.

    It spares the seconds in which a launcher and two new processes import torch. What the launcher itself does, such as
    to end all processes with the first that fails, is asked of a real one.
    """

    def __init__(self, words, **variables):
        # As of the launcher, where they meet is here: a port that is free now may not be so when they have begun.
        self._store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_USE_AGENT_STORE": "True"}
        common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self._store.port), **variables}
        self.forks = [
            Forked(words, RANK=rank, LOCAL_RANK=rank, ACCELERATE_USE_CPU="true", **common) for rank in ("0", "1")
        ]

    def poll(self):
        return next((fork.returncode for fork in self.forks if fork.returncode is not None), None)

    @property
    def returncode(self):
        return next((fork.returncode for fork in self.forks if fork.returncode), 0)

    def communicate(self, timeout=None):
        """All that both wrote; as of `Popen`, but that neither is left where they hang."""
        try:
            return "".join(fork.communicate(timeout)[0] for fork in self.forks), None
        except subprocess.TimeoutExpired:
            raise AssertionError(kill(self)) from None


def _be_harness(words, variables, said):
    """In the fork: what `python -m harness WORDS` is in a new process."""
    gc.freeze()  # Memory that no collection touches is not copied.
    opened = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(opened, number)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(variables)
    import_module("held.sitecustomize")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["harness", *words]
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    main()


def finish(process):
    """The exit code and what was said; a process that hangs is killed, with its children."""
    try:
        output, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"hangs: {kill(process)[-2000:]}") from None
    return process.returncode, output


def workers_below(pid=None):
    """What multiprocessing started below a process (default: this one) and still runs, but for what forks workers."""
    found, parents = [], set()
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # A child may end at any time; or, by inheritance, be a zombie.
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
                parents.add(child.ppid())
    return [child for child in found if child.pid not in parents]


def kill(process):
    """Kill the process and what it started, all at once; what it said."""
    first = process.forks if isinstance(process, TwoForked) else [process]
    started = [child for one in first for child in _children(one.pid)]
    for pid in [*(one.pid for one in first), *(child.pid for child in started)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    psutil.wait_procs(started, timeout=LONGEST)
    return process.communicate()[0]


def _children(pid):
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


class Moment:
    """A moment at which processes hold: each as soon as it has made a path that matches the pattern, so many times.

    Attributes:
        variables: Of the environment of these processes, and of what they start.
    """

    def __init__(self, pattern, *, times=1):
        self._place, here = Path(tempfile.mkdtemp()), Path(__file__).parent / "held"
        path = os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")]))
        self.variables = {"HELD_PLACE": str(self._place), "HELD_PATTERN": pattern, "HELD_TIMES": str(times)}
        self.variables["PYTHONPATH"] = path

    def wait(self, process, *, count=1):
        """Wait until so many hold of those that the process is or has started."""

        def is_come():
            assert process.poll() is None, f"it did not come to the moment, {process.returncode}: {finish(process)[1]}"
            return len(self._held()) >= count

        wait_for(is_come, every=0.005, otherwise=lambda: f"it does not come to the moment: {kill(process)}")

    def end(self):
        """Have those that hold go on, and no other hold."""
        held = self._held()
        shutil.rmtree(self._place)
        for pid in held:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _held(self):
        return [int(file.name) for file in self._place.iterdir()]


def held(started, words, pattern, *, times=1):
    """The process of the words, started by `started`, which holds where it has made such a path; see `Moment`."""
    moment = Moment(pattern, times=times)
    process = started(words, **moment.variables)
    moment.wait(process)
    return process

"""Worker slots: how many workers a suite has, and with how many threads or on which GPU each works."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

from harness.suites.precision import has_no_accelerator

GIGABYTES_EACH = 4  # Fine-tuning a base-sized model in fp32: its weights five times over, and what a pass needs.


@dataclass(frozen=True)
class WorkerSlot:
    """Where a worker works.

    Attributes:
        threads: Of one operation, unless the user's own OMP_NUM_THREADS says otherwise.
        gpu: What CUDA_VISIBLE_DEVICES names for it; None: no GPU of its own.
    """

    threads: int
    gpu: str | None = None


@dataclass(frozen=True)
class Machine:
    """What there is to share among workers.

    Attributes:
        cores: Processors that this process may use.
        gpus: As CUDA_VISIBLE_DEVICES names them.
        memory_bytes: What is free of the CPU's.
        threads: What the user's OMP_NUM_THREADS asks for; None where it is not set.
    """

    cores: int
    gpus: tuple[str, ...]
    memory_bytes: int
    threads: int | None


def worker_slots(machine: Machine, *, requested: int | None, planned: int) -> list[WorkerSlot]:
    """A slot for each worker, never more than there are runs; one slot means that no worker is needed.

    One worker per GPU; or one per core, as long as each has memory enough: such matrices gain little from a second
    thread, and other runs much. The threads are such that no core is idle and none has two to serve.

    Args:
        machine: What there is to share.
        requested: How many the user wants; None: as many as suit.
        planned: How many are to be run.

    >>> worker_slots(Machine(cores=8, gpus=(), memory_bytes=64 << 30, threads=None), requested=None, planned=3)
    [WorkerSlot(threads=2, gpu=None), WorkerSlot(threads=2, gpu=None), WorkerSlot(threads=2, gpu=None)]
    """
    number = min(requested or _suitable(machine), max(planned, 1))
    threads = max(machine.cores // number, 1)
    gpus = machine.gpus or (None,)
    return [WorkerSlot(threads, gpus[index % len(gpus)]) for index in range(number)]


def _suitable(machine: Machine) -> int:
    if machine.gpus:
        return len(machine.gpus)
    by_cores = machine.cores // (machine.threads or 1)
    by_memory = machine.memory_bytes // (GIGABYTES_EACH << 30)
    return max(min(by_cores, by_memory), 1)


def this_machine() -> Machine:
    """What this process may use: of the cores, what its affinity and its container leave it."""
    import joblib  # noqa: PLC0415 -- only a suite asks

    return Machine(
        cores=joblib.cpu_count(),
        gpus=_named_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"), _number_of_gpus()),
        memory_bytes=psutil.virtual_memory().available,
        threads=named_threads(),
    )


def named_threads() -> int | None:
    """How many threads of an operation the user's OMP_NUM_THREADS asks for; None where it asks for none."""
    return _number(os.environ.get("OMP_NUM_THREADS", ""))


def _number_of_gpus() -> int:
    """How many there are; another accelerator, such as a Mac's, counts as one, which workers would only share."""
    if has_no_accelerator():
        return 0
    import torch  # noqa: PLC0415 -- heavy

    return torch.cuda.device_count() or int(torch.accelerator.is_available())


def _named_gpus(visible: str | None, count: int) -> tuple[str, ...]:
    """The names of the first `count` GPUs, which are numbers where the user has named none.

    >>> _named_gpus("2,GPU-8f", 2)
    ('2', 'GPU-8f')
    >>> _named_gpus(None, 2)
    ('0', '1')
    """
    names = visible.split(",") if visible else map(str, range(count))
    return tuple(name.strip() for name in names)[:count]


def _number(text: str) -> int | None:
    """The first number of OMP_NUM_THREADS, which may have one for each level of nesting; None where it has none.

    >>> _number("4,2"), _number(""), _number("0")
    (4, None, None)
    """
    first = text.partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None

"""Worker slots: the number of workers of a suite, and the threads or GPU of each."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

from harness.suites.precision import has_no_accelerator

GIGABYTES_EACH = 4  # To fine-tune a base-sized model in fp32: five copies of its weights, and the activations.


@dataclass(frozen=True)
class WorkerSlot:
    """The resources of a worker.

    Attributes:
        threads: Threads of an operation, unless the user's OMP_NUM_THREADS overrides it.
        gpu: Its value of CUDA_VISIBLE_DEVICES; None: no GPU of its own.
    """

    threads: int
    gpu: str | None = None


@dataclass(frozen=True)
class Machine:
    """The resources to share among workers.

    Attributes:
        cores: Number of CPUs that this process may use.
        gpus: GPUs as named by CUDA_VISIBLE_DEVICES.
        memory_bytes: Free main memory in bytes.
        threads: The user's OMP_NUM_THREADS; None if not set.
    """

    cores: int
    gpus: tuple[str, ...]
    memory_bytes: int
    threads: int | None


def worker_slots(machine: Machine, *, requested: int | None, planned: int) -> list[WorkerSlot]:
    """Assign a slot to each worker, at most one per run; a single slot means that no worker is needed.

    One worker per GPU, or one per core if there is enough memory for each: matrices of this size gain little from a
    second thread, and parallel runs much. The threads are divided so that all cores are used, and none is
    oversubscribed.

    Args:
        machine: The resources to share.
        requested: The number that the user wants; None: automatic.
        planned: Number of runs.

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
    """The resources of this process: the CPUs that its affinity and its container allow."""
    import joblib  # noqa: PLC0415 -- only a suite asks

    return Machine(
        cores=joblib.cpu_count(),
        gpus=_named_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"), _number_of_gpus()),
        memory_bytes=psutil.virtual_memory().available,
        threads=named_threads(),
    )


def named_threads() -> int | None:
    """The number of threads in the user's OMP_NUM_THREADS; None if it is not set."""
    return _number(os.environ.get("OMP_NUM_THREADS", ""))


def _number_of_gpus() -> int:
    """The number of GPUs; another accelerator, such as a Mac's, counts as one, because workers would share it."""
    if has_no_accelerator():
        return 0
    import torch  # noqa: PLC0415 -- heavy

    return torch.cuda.device_count() or int(torch.accelerator.is_available())


def _named_gpus(visible: str | None, count: int) -> tuple[str, ...]:
    """The names of the first `count` GPUs; numbers if the user has named none.

    >>> _named_gpus("2,GPU-8f", 2)
    ('2', 'GPU-8f')
    >>> _named_gpus(None, 2)
    ('0', '1')
    """
    names = visible.split(",") if visible else map(str, range(count))
    return tuple(name.strip() for name in names)[:count]


def _number(text: str) -> int | None:
    """The first number of OMP_NUM_THREADS, which may have one per nesting level; None if it has none.

    >>> _number("4,2"), _number(""), _number("0")
    (4, None, None)
    """
    first = text.partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None

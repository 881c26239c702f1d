"""Where workers work: neither idle cores nor two threads a core, and no more of them than memory or runs."""

import pytest

from harness.suites.worker_slots import Machine, WorkerSlot, this_machine, worker_slots

GIGABYTE = 1 << 30
EIGHT = Machine(cores=8, gpus=(), memory_bytes=64 * GIGABYTE, threads=None)


def numbers(machine, *, asked=None, runs=100):
    found = worker_slots(machine, requested=asked, planned=runs)
    assert len(set(found)) == 1
    return len(found), found[0].threads


def test_there_is_a_worker_a_core_with_one_thread():
    assert numbers(EIGHT) == (8, 1)


@pytest.mark.parametrize(("runs", "expected"), [(1, (1, 8)), (3, (3, 2)), (5, (5, 1)), (0, (1, 8))])
def test_there_are_no_more_workers_than_runs_and_the_cores_are_shared_out(runs, expected):
    assert numbers(EIGHT, runs=runs) == expected


@pytest.mark.parametrize(("asked", "expected"), [(1, (1, 8)), (2, (2, 4)), (16, (16, 1))])
def test_the_user_decides_how_many_and_threads_follow(asked, expected):
    assert numbers(EIGHT, asked=asked) == expected


def test_the_users_own_number_of_threads_decides_how_many_workers_fill_the_cores():
    assert numbers(Machine(cores=8, gpus=(), memory_bytes=64 * GIGABYTE, threads=4)) == (2, 4)
    assert numbers(Machine(cores=2, gpus=(), memory_bytes=64 * GIGABYTE, threads=4)) == (1, 2)


def test_each_worker_has_memory_enough():
    assert numbers(Machine(cores=8, gpus=(), memory_bytes=9 * GIGABYTE, threads=None)) == (2, 4)
    assert numbers(Machine(cores=8, gpus=(), memory_bytes=GIGABYTE, threads=None)) == (1, 8)


def test_there_is_a_worker_a_gpu_and_each_sees_its_own_only():
    machine = Machine(cores=8, gpus=("2", "GPU-8f"), memory_bytes=64 * GIGABYTE, threads=None)
    assert worker_slots(machine, requested=None, planned=100) == [WorkerSlot(4, "2"), WorkerSlot(4, "GPU-8f")]
    assert [place.gpu for place in worker_slots(machine, requested=3, planned=100)] == ["2", "GPU-8f", "2"]


def test_this_machine_is_what_the_process_may_use(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3,1")
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # joblib's own limit, which stands for a container's here
    found = this_machine()
    assert (found.cores, found.threads) == (1, 3)
    assert found.memory_bytes > 0

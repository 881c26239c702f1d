"""Which processes were launched together."""

import pytest
from accelerate.state import PartialState

from harness.ops import together
from harness.ops.together import Alone, processes


@pytest.fixture(autouse=True)
def launched_alone(monkeypatch):
    for name in ("ACCELERATE_USE_CPU", "ACCELERATE_MIXED_PRECISION", *together._LAUNCHED):
        monkeypatch.delenv(name, raising=False)


def test_who_was_launched_alone_is_the_main_process_and_waits_for_nobody():
    alone = processes()
    assert isinstance(alone, Alone)
    assert (alone.num_processes, alone.is_main_process) == (1, True)
    alone.wait_for_everyone()
    with alone.main_process_first():
        pass


@pytest.mark.parametrize("name", ["ACCELERATE_MIXED_PRECISION", "WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"])
def test_who_was_launched_by_somebody_asks_accelerate(name, monkeypatch):
    monkeypatch.setenv(name, "no" if name.startswith("ACCELERATE") else "1")
    assert isinstance(processes(), PartialState)


def test_a_tpu_s_processes_ask_accelerate(monkeypatch):
    monkeypatch.setattr(together, "find_spec", lambda name: object() if name == "torch_xla" else None)
    assert isinstance(processes(), PartialState)

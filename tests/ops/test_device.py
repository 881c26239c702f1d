"""Which device is taken."""

import os

import torch

from harness.ops.device import on_cpu, peak_memory_bytes, together


def test_the_cpu_can_be_asked_for_where_there_is_a_gpu(monkeypatch):
    monkeypatch.delenv("ACCELERATE_USE_CPU", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 7)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    assert peak_memory_bytes() == 7
    with on_cpu():
        assert together().device.type == "cpu"
        assert peak_memory_bytes() > 1_000_000
    assert "ACCELERATE_USE_CPU" not in os.environ
    assert peak_memory_bytes() == 7

"""A precision of "auto": the same answer with torch and without."""

import pytest

from harness.ops import device
from harness.suites import precision


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A Linux machine with these device files and processor flags."""

    def made(devices, flags):
        (tmp_path / "dev").mkdir()
        for name in devices:
            (tmp_path / "dev" / name).touch()
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
        monkeypatch.setattr(precision, "_DEVICES", tmp_path / "dev")
        monkeypatch.setattr(precision, "_PROCESSORS", tmp_path / "cpuinfo")
        monkeypatch.setattr(precision.sys, "platform", "linux")
        monkeypatch.setattr(device, "actual_precision", lambda wanted: f"torch's answer to {wanted}")

    return made


def test_this_machine_and_torch_agree_on_auto():
    assert precision.actual_precision("auto") == device.actual_precision("auto")


@pytest.mark.parametrize("wanted", ["fp32", "bf16"])
def test_a_precision_that_is_named_stays(wanted):
    assert precision.actual_precision(wanted) == wanted


@pytest.mark.parametrize(("flags", "expected"), [("avx2 avx512_bf16 amx_bf16", "bf16"), ("avx2 avx512_bf16x", "fp32")])
def test_a_processor_alone_is_asked_for_its_instructions(machine, flags, expected):
    machine([], flags)
    assert precision.actual_precision("auto") == expected


@pytest.mark.parametrize("accelerator", ["nvidia0", "nvidiactl", "kfd", "dxg", "nvhost-gpu"])
def test_torch_is_asked_where_there_may_be_an_accelerator(machine, accelerator):
    machine(["null", accelerator], "avx512_bf16")
    assert precision.actual_precision("auto") == "torch's answer to auto"


def test_torch_is_asked_where_the_kernel_does_not_list_processors(machine, tmp_path):
    machine([], "avx512_bf16")
    (tmp_path / "cpuinfo").unlink()
    assert precision.actual_precision("auto") == "torch's answer to auto"

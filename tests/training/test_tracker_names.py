"""A tracker that would track nothing is refused before a run starts, and a precision by its own name."""

import pytest

from harness.errors import UserError
from harness.ops.device import fresh_accelerator
from harness.training.tracking import check_tracker


def test_a_tracker_whose_package_is_missing_is_refused_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr("harness.training.tracking.get_available_trackers", lambda: ["tensorboard"])
    check_tracker("tensorboard")
    with pytest.raises(UserError, match=r"^--track wandb: its package is not installed\. .* pip install wandb\.$"):
        check_tracker("wandb")


@pytest.mark.parametrize("name", ["tensorbord", "all", ""])
def test_a_tracker_that_there_is_not_is_refused_without_advice_to_install_it(name):
    with pytest.raises(UserError, match=f"^--track {name}: no such tracker") as caught:
        check_tracker(name)
    assert "pip" not in caught.value.lines[0]


def test_a_precision_that_the_device_does_not_know_is_told_as_such(monkeypatch, tmp_path):
    def refuse(**_):
        raise ValueError("bf16 mixed precision requires a supported device.")

    monkeypatch.setattr("harness.ops.device.Accelerator", refuse)
    with pytest.raises(UserError, match=r"^precision bf16: not available here \(.*\)\. Set precision to fp32\.$"):
        fresh_accelerator("bf16", tracker=None, folder=tmp_path)

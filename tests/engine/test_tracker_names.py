"""A tracker that would track nothing is refused before a run starts."""

import pytest

from harness.engine.tracking import check_tracker
from harness.errors import UserError


def test_a_tracker_whose_package_is_missing_is_refused_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr("harness.engine.tracking.get_available_trackers", lambda: ["tensorboard"])
    check_tracker("tensorboard")
    with pytest.raises(UserError, match=r"^--track wandb: its package is not installed\. .* pip install wandb\.$"):
        check_tracker("wandb")


@pytest.mark.parametrize("name", ["tensorbord", "all", ""])
def test_a_tracker_that_there_is_not_is_refused_without_advice_to_install_it(name):
    with pytest.raises(UserError, match=f"^--track {name}: no such tracker") as caught:
        check_tracker(name)
    assert "pip" not in caught.value.lines[0]

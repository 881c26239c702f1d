from pathlib import Path

import pytest
from synthetic_runs import add_two_tasks


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The folder of runs on two tasks."""
    add_two_tasks(tmp_path / "runs")
    return tmp_path / "runs"

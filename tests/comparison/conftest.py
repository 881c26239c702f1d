import shutil
from pathlib import Path

import pytest


@pytest.fixture
def runs(two_tasks: Path, tmp_path: Path) -> Path:
    """The folder of runs on two tasks: a copy, which a test may change."""
    return shutil.copytree(two_tasks, tmp_path / "runs")

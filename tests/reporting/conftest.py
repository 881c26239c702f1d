from pathlib import Path

import pytest
from synthetic_runs import add_runs, record, save


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two tasks: a clear winner, a tie, a diverged seed, a failed one, a gap, two floors."""
    folder = tmp_path / "runs"
    add_runs(folder, "bert-mini", 0.82)
    add_runs(folder, "roberta-mini", 0.815, family="roberta")
    add_runs(folder, "scratch", 0.70, family="scratch")
    add_runs(folder, "majority", 0.50, range(1), family="majority")
    add_runs(folder, "tfidf", 0.72, range(1), family="tfidf")
    add_runs(folder, "xlnet-mini", 0.78, range(1), family="xlnet")
    save(
        folder,
        record(model="xlnet-mini", family="xlnet", seed=1, status="diverged", reason="loss nan at step 40"),
        None,
    )
    save(folder, record(model="xlnet-mini", family="xlnet", seed=2, status="failed", reason="out of memory"), None)
    add_runs(folder, "bert-mini", 0.66, task="boolq")
    add_runs(folder, "scratch", 0.62, task="boolq", family="scratch")
    add_runs(folder, "majority", 0.62, range(1), task="boolq", family="majority")
    save(
        folder, record(model="roberta-mini", family="roberta", seed=0, task="boolq", status="failed", reason="no"), None
    )
    return folder

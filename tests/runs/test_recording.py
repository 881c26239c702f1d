"""What a run's record says of its model."""

from pathlib import Path

import pytest

from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.runs.recording import failed_record
from harness.runs.run import Run


@pytest.mark.parametrize(("family", "baseline"), [("majority", True), ("tfidf", True), ("bert", False)])
def test_a_record_says_whether_its_model_is_a_simple_baseline(tmp_path: Path, family: str, baseline: bool):
    config = RunConfig(
        task="boolq", data="d", metrics=("accuracy",), model=ModelConfig(family=family), seed=0, training=Training()
    )
    assert failed_record(Run("demo", family, config, tmp_path), "no").simple_baseline is baseline

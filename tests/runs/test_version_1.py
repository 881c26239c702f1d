"""What version 0.1 left behind is still read: its records, a checkpoint, a suite, in the words of that version.

tests/data/version_1 was written by version 0.1 from the suite and the files in it; checkpoints of trained models, and
the folders that paths began with, were left out.
"""

import json
import shutil
from pathlib import Path

import pytest

from harness.comparison.comparison import compare
from harness.errors import notice
from harness.records import read_records
from harness.registry import FORMATS

DATA = Path(__file__).parents[1] / "data" / "version_1"


@pytest.fixture
def old(command):
    """The folder of version 0.1, as the working directory."""
    shutil.copytree(DATA, ".", dirs_exist_ok=True)
    return command


def test_every_record_is_read_with_what_was_in_it():
    records, problems = read_records(DATA / "recorded")
    assert not problems
    assert len(records) == 9
    for folder, record in records:
        written = json.loads((folder / "run.json").read_text())
        assert written["schema_version"] == 1
        assert record.task_card.task_type == written["task_card"]["kind"]
        assert record.simple_baseline == written["floor"]
        assert record.counts.unreachable_answers == written["counts"]["answers_not_aligned"]


@pytest.mark.slow
def test_they_are_compared_as_they_were():
    comparison = compare(DATA / "recorded" / "old_suite", baseline="majority")
    assert {task.card.task_type for task in comparison.tasks} == {
        "classification", "regression", "question_answering", "language_modelling"
    }  # fmt: skip
    assert (comparison.problems, comparison.warnings) == ((), ())
    assert all(FORMATS.load(name)(comparison) for name in FORMATS.names())


@pytest.mark.slow
def test_a_suite_with_the_old_names_is_read_and_says_the_new_ones(old):
    notice.cache_clear()
    result = old("plan", "old_suite.toml", "--runs", "recorded")
    assert result.code == 0
    assert "kind: is now called task_type" in result.errors
    assert "hidden_every: is now called mask_stride" in result.errors


@pytest.mark.slow
def test_what_is_recorded_is_not_run_again(old):
    result = old("run", "old_suite.toml", "--runs", "recorded")
    assert (result.code, "8 of 8" in result.output) == (0, True)
    words = ("--model", "majority", "--train", "reviews.csv", "--text", "review", "--label", "stars")
    assert "1 of 1" in old("run", *words, "--runs", "recorded").output


@pytest.mark.slow
def test_a_checkpoint_of_a_simple_baseline_predicts(old):
    runs = Path("recorded/old_suite")
    found = old("predict", runs / "reviews/majority/seed-0", "--text", "a lovely film")
    assert json.loads(found.output)["prediction"] in {"1", "5"}
    words = ("--question", "Where?", "--context", "She went to Rome. He stayed.")
    found = old("predict", runs / "questions/majority/seed-0", *words)
    assert json.loads(found.output)["prediction"]

"""Trials among what is on record: listed, brought together with another machine's, removed, and never measured."""

import json
from pathlib import Path

import pytest
from synthetic_trials import add_trials, add_tuned

from harness.suites.recorded import recorded_runs

TRIALS = "reviews/rotten_tomatoes/bert-mini/trials"


@pytest.fixture
def runs(command):
    """The folder of runs of a model that was tuned."""
    add_tuned(Path("runs"))
    add_trials(Path("runs"))
    return Path("runs")


@pytest.mark.slow
def test_trials_are_listed_behind_the_seeds(runs, command):
    rows = json.loads(command("runs", "ls", "runs", "--json").output)
    assert [row["trial"] for row in rows] == [None, None, None, 0, 1, 2, 3]
    shown = command("runs", "ls", "runs").output
    assert "trial 3" in shown
    assert command("runs", "show", f"runs/{TRIALS}/trial-001").output.startswith(
        "reviews · rotten_tomatoes · bert-mini · trial 1: complete"
    )


def test_trials_of_two_machines_come_together(runs, command):
    result = command("runs", "merge", "runs", "all")
    assert result.code == 0, result.errors
    assert "7 runs copied to all" in result.output
    assert sorted(path.name for path in Path("all", TRIALS).iterdir()) == [f"trial-00{number}" for number in range(4)]


def test_a_trial_can_be_removed(runs, command):
    assert command("runs", "rm", f"runs/{TRIALS}/trial-003", "--yes").code == 0
    assert len(recorded_runs(runs)[0]) == 6


def test_a_trial_is_no_result_to_be_measured(runs):
    assert [run.is_complete for run in recorded_runs(runs)[0]] == [True] * 3 + [False] * 4

"""Trials among what is on record: listed, brought together with another machine's, removed, and never measured."""

import json
from pathlib import Path

import pytest
from synthetic_runs import record
from synthetic_trials import add_trials, add_tuned

from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.output import console
from harness.record import write_record
from harness.runs.options import Options
from harness.runs.run import Run
from harness.suites import runner
from harness.suites.recorded import recorded_runs
from harness.suites.trials import execute_trials
from harness.tuning.settings import tuning_by_default

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


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("complete", "mine · bert: trial 0 of 2 is best on validation."),
        ("diverged", "mine · bert: none of 2 trials has a score on validation; the recipe of trial 0 is used."),
    ],
)
def test_trials_without_a_score_are_not_said_to_have_a_best_one(status, said, tmp_path, monkeypatch, capsys):
    def executed(trials, *_, **__):
        scores = {"validation": {"accuracy": 0.8}} if status == "complete" else {}
        for one in trials:
            one.folder.mkdir(parents=True)
            config = json.loads(one.config.model_dump_json())
            write_record(record(trial=one.trial, status=status, scores=scores, config=config), one.folder)
        return runner.Tally()

    monkeypatch.setattr(runner, "execute_runs", executed)
    config = RunConfig(
        task="mine", data="", metrics=("accuracy",), model=ModelConfig(family="bert"), seed=0, training=Training()
    )
    run = Run("study", "bert", config, tmp_path / "study/mine/bert/seed-0")
    execute_trials([run], tuning_by_default(2, ["bert"]), Options(), console())
    assert capsys.readouterr().out.splitlines() == [said]

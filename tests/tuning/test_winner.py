"""Which trial wins."""

import math

from synthetic_runs import card, record

from harness.trial import Trial
from harness.tuning.winner import Outcome, best_of, outcome_of


def outcome(number, score, **changes):
    settings = {"scores": {"validation": {"accuracy": score}}} | changes
    return outcome_of(record(trial=Trial(number=number, space=""), **settings))


def test_the_best_on_validation_wins_and_of_equals_the_first():
    outcomes = [outcome(0, 0.5), outcome(1, 0.8), outcome(2, 0.8)]
    assert best_of(outcomes, higher_is_better=True) == 1
    assert best_of(outcomes, higher_is_better=False) == 0
    assert best_of(outcomes[::-1], higher_is_better=True) == 1


def test_what_has_no_score_is_the_worst():
    without = [
        outcome(0, 0.9, status="failed", scores={}),
        outcome(1, 0.9, status="diverged"),
        outcome(2, math.nan),
        outcome(3, 0.9, task_card=card("macro_f1")),
    ]
    assert [one.score for one in without] == [None] * 4
    assert best_of([*without, outcome(4, 0.1)], higher_is_better=True) == 4
    assert best_of([*without, outcome(4, 99.0)], higher_is_better=False) == 4
    assert best_of(without, higher_is_better=True) == 0


def test_an_outcome_is_the_main_metrics_score_on_validation():
    assert outcome(3, 0.25) == Outcome(3, 0.25)

"""Which models are begun within a time, and what is said of the others."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cli import budgeted
from harness.cli.budgeted import Budgeted, OutOfTime, stopped_after
from harness.config.model import ModelConfig
from harness.output import console
from harness.runs.options import Options
from harness.suites.runner import Tally


@dataclass
class Seed:
    """A run that does nothing."""

    model: str
    config: SimpleNamespace
    folder: Path
    done: bool = False
    saved_step: int = 0

    def state(self):
        return "complete" if self.done else "new"


class Made(Budgeted):
    """Runs that take as long as they are expected to, on a clock of their own.

    Attributes:
        minutes: What three seeds of each model are expected to take.
        order: The models whose runs were made.
        is_cut_short: Whether the time is over in the first runs of a trained model.
    """

    minutes, order, is_cut_short, more = (), (), False, ()

    def _seconds_of(self, batch, *, end="about"):
        return (4 if end == "high" else 1) * sum(60 * self.minutes[run.model] / 3 for run in batch)

    def _execute(self, batch):
        self.tried.update(run.folder for run in batch)
        if "tfidf" not in {run.model for run in batch}:
            if self.is_cut_short:
                signal.raise_signal(signal.SIGALRM)
            self.ends -= self._seconds_of(batch)
        for run in batch:
            run.done = True
        self.order += tuple(dict.fromkeys(run.model for run in batch))

    def _more_seeds(self):
        return [run for run in self.more if not run.done]


def seeds(model, count=3, start=0, family="bert"):
    return [
        Seed(model, SimpleNamespace(seed=number, model=ModelConfig(family=family)), Path(model, f"{number}"))
        for number in range(start, start + count)
    ]


@pytest.fixture
def made(monkeypatch):
    """What there is time for in so many minutes; what is left."""
    monkeypatch.setattr(budgeted, "busy", lambda: 1.0)

    def run(minutes, expected, *, kind=Made, count=3, begun_before=(), **settings):
        waiting = {"tfidf": seeds("tfidf", 1, family="tfidf")} | {model: seeds(model, count) for model in expected}
        waiting |= {run.model: list(begun_before) for run in begun_before}
        suite = SimpleNamespace(rule=SimpleNamespace(seeds=(0, 1, 2, 3, 4), looks=(3, 5)), tuning=None)
        ends = time.monotonic() + 60 * minutes
        found = kind(suite, Path("runs"), ends, Options(), console(quiet=True), waiting, Tally())
        found.minutes = expected
        for name, value in settings.items():
            setattr(found, name, value)
        return found, found.run()

    return run


def test_the_quickest_is_begun_first_and_then_in_their_order_those_whose_first_seeds_all_fit(made):
    found, left = made(10, {"large": 20, "good": 5, "small": 3.8, "other": 3.5, "last": 1})
    assert found.order == ("tfidf", "last", "good", "small")
    assert left == ["Not tried, for lack of time: large (about 20 min) and other (about 3.5 min)."]


def test_a_model_of_unknown_time_is_not_taken_for_the_quickest(made):
    assert made(10, {"unknown": 0, "small": 4, "last": 1})[0].order == ("tfidf", "last", "unknown", "small")


def test_on_a_machine_whose_pace_is_known_they_are_begun_in_their_order(made):
    expected = {"large": 20, "good": 5, "small": 3.8, "last": 1}
    found, _ = made(10, expected, is_paced=True)
    assert found.order == ("tfidf", "good", "small", "last")
    _, left = made(3, {"large": 20, "small": 4}, is_paced=True, is_cut_short=True)
    assert left[0] == "Time ran out before these finished: large (3 seeds)."


def test_where_none_fits_the_quickest_is_begun_and_stopped(made):
    found, left = made(3, {"large": 20, "small": 4}, is_cut_short=True)
    assert found.order == ("tfidf",)
    assert left == [
        "Time ran out before these finished: small (3 seeds).",
        "Not tried, for lack of time: large (about 20 min).",
    ]


def test_a_model_that_an_earlier_command_began_is_continued_first_even_if_another_is_quicker(made):
    seeds_of_large = seeds("large")
    seeds_of_large[0].saved_step = 5
    found, left = made(10, {"large": 20, "small": 4}, begun_before=seeds_of_large)
    assert found.order == ("tfidf", "large")
    assert left == ["Not tried, for lack of time: small (about 4.0 min)."]


@pytest.mark.parametrize(
    ("minutes", "order", "said"),
    [
        (10, ("tfidf", "model", "model"), []),
        (5, ("tfidf", "model"), ["More seeds would take about 6.0 min."]),
    ],
)
def test_more_seeds_come_when_every_model_has_its_first_and_only_where_they_fit(minutes, order, said, made):
    found, left = made(minutes, {"model": 3}, more=seeds("model", 2, 3) * 3)
    assert (found.order, left) == (order, said)


def test_the_sort_of_runs_is_named_wherever_something_is_left(made):
    _, left = made(0, {"model": 3}, sort="short runs")
    assert left == ["Not tried, for lack of time: short runs of model (about 3.0 min)."]
    _, left = made(5, {"model": 3}, more=seeds("model", 2, 3) * 3, sort="short runs")
    assert left == ["More seeds of short runs would take about 6.0 min."]
    _, left = made(3, {"model": 4}, is_cut_short=True, sort="short runs")
    assert left == ["Time ran out before these finished: short runs of model (3 seeds)."]


def test_on_a_busy_machine_runs_are_expected_to_take_longer_until_one_shows_how_long(made, monkeypatch):
    monkeypatch.setattr(budgeted, "busy", lambda: 3.0)
    assert made(0, {"large": 7})[1] == ["Not tried, for lack of time: large (about 21 min)."]
    assert made(10, {"large": 7, "small": 2})[0].order == ("tfidf", "small", "large")


def test_a_model_is_certain_to_be_compared_only_by_the_upper_end_of_its_forecast(made):
    found, _ = made(0, {"large": 20, "small": 3})
    for minutes, is_too_short in ((13, False), (11, True), (2, True)):
        found.ends = time.monotonic() + 60 * minutes
        assert found.is_too_short == is_too_short


class Endless(Made):
    """Further seeds never end."""

    def _execute(self, batch):
        self.tried.update(run.folder for run in batch)
        if any(run.config.seed >= 3 for run in batch):
            signal.raise_signal(signal.SIGALRM)
        super()._execute(batch)

    def _more_seeds(self):
        return [run for run in self.begun["model"] if run.folder not in self.tried]


class SlowBaseline(Made):
    """A simple baseline that takes longer than there is time."""

    def _execute(self, batch):
        signal.raise_signal(signal.SIGALRM)


def endless():
    while True:
        time.sleep(0.001)


def test_a_block_is_interrupted_when_its_time_is_over():
    with pytest.raises(OutOfTime), stopped_after(0.01):
        endless()
    with stopped_after(600):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("before", [[], ["xlnet"]])
def test_a_simple_baseline_that_takes_longer_than_its_grace_is_stopped_as_well(made, before, monkeypatch):
    limits = []
    monkeypatch.setattr(budgeted, "stopped_after", lambda seconds: limits.append(seconds) or stopped_after(seconds))
    known = [Seed(name, SimpleNamespace(seed=0, model=ModelConfig(family="bert")), Path(name, "0"), saved_step=5)
             for name in before]  # fmt: skip
    found, left = made(0, {"bert": 1, "xlnet": 1}, kind=SlowBaseline, grace=300, begun_before=known)
    assert limits == [300]
    assert found.order == ()
    assert left[0].startswith(
        f"Time ran out before these finished: tfidf (1 seed){' and xlnet (1 seed)' * bool(before)}."
    )
    assert "Not tried, for lack of time: bert" in left[1]


def test_further_seeds_that_were_stopped_are_told(made):
    _, left = made(3, {"model": 0}, kind=Endless, count=5)
    assert left == ["Time ran out before these finished: model (2 seeds)."]


def test_a_run_that_failed_before_the_time_was_over_is_counted(monkeypatch):
    fine, bad, known = seeds("model")
    states = {fine.folder: "new", bad.folder: "new", known.folder: "failed"}
    monkeypatch.setattr(Seed, "state", lambda run: states[run.folder])

    def stopped(*_, **__):
        states[bad.folder] = "failed"
        raise OutOfTime

    monkeypatch.setattr("harness.suites.runner.execute_runs", stopped)
    record = SimpleNamespace(status="failed", task="mine", model="model", which="seed 1", reason="no memory")
    monkeypatch.setattr(budgeted, "read_record", lambda file: record if file.parent == bad.folder else None)
    found = Budgeted(None, Path("runs"), 0.0, Options(), console(quiet=True), {}, Tally())
    with pytest.raises(OutOfTime):
        found._execute([fine, bad, known])
    assert (found.tally.failed, found.tally.reasons) == (1, ("mine · model · seed 1: no memory",))


@pytest.mark.parametrize("minutes", ["0", "-5", "nan", "inf"])
def test_minutes_in_which_nothing_can_be_trained_are_refused(command, minutes):
    result = command("choose", "any.csv", f"--minutes={minutes}")
    assert (result.code, result.lines) == (
        2,
        [f"--minutes {minutes}: no time to train in. Give a number above 0, such as 20, or leave it out."],
    )

"""What `harness plan` says of time, disk and power, and `harness run` of how good the forecasts were."""

import json
import re
from pathlib import Path

import pytest
from command_line import reviews, write_csv

SUITE = """
tasks  = ["mine"]
models = [{models}]
seeds  = {seeds}
[data.mine]
train = "reviews.csv"
"""


@pytest.fixture
def suite():
    """Writes a suite of models that need no checkpoint."""

    def written(seeds="[0, 1, 2]", models='"scratch", "roberta-random", "tfidf"'):
        write_csv(Path("reviews.csv"), reviews(100))
        Path("mine.toml").write_text(SUITE.format(seeds=seeds, models=models))
        return "mine.toml"

    return written


def row(output, task="mine"):
    """The row of a task in the table of what is detected."""
    lines = output.splitlines()
    heading = next(number for number, line in enumerate(lines) if "test examples" in line)
    return next(line.split() for line in lines[heading:] if line.startswith(task))


def test_a_plan_foresees_time_disk_and_what_it_detects_and_writes_nothing(command, suite):
    file = suite()
    before = sorted(Path().rglob("*"))
    result = command("plan", file, "--workers", "2")
    assert result.code == 0
    (time,) = [line for line in result.output.splitlines() if line.startswith("Time")]
    assert time.startswith("Time with 2 workers: about ")
    assert "one after the other about " in time
    assert "an assumed speed (harness plan --measure measures this machine's) (6 runs); the usual" in time
    (disk,) = [line for line in result.output.splitlines() if line.startswith("Disk")]
    assert "more during the runs" in disk
    # Of 100 rows a fifth is for test; three models; seeds by the prior.
    assert row(result.output)[:3] == ["mine", "3", "20"]
    assert "vary by a prior, as there are no recorded runs: seeds 2 points apart" in result.output
    assert sorted(Path().rglob("*")) == before


def test_it_says_how_many_seeds_or_examples_a_difference_takes(command, suite):
    result = command("plan", suite(), "--detect", "10")
    task, seeds, examples, detects, wanted_seeds, wanted_examples = row(result.output)
    assert (task, seeds, examples, wanted_seeds) == ("mine", "3", "20", "–")
    assert float(detects) > 10
    assert 100 < int(wanted_examples.replace(",", "")) < 10_000
    refused = command("plan", suite(), "--detect", "0")
    assert (refused.code, "--detect" in refused.errors) == (2, True)


def test_seeds_that_are_added_until_decided_are_planned_to_the_last_look(command, suite):
    result = command("plan", suite("{ start = 3, most = 10 }"))
    assert "3 to 10 seeds" in result.output
    assert re.search(r"about .* for the first look, and if all seeds are needed about ", result.output)
    assert row(result.output)[1] == "10"
    listed = command("plan", suite("[0, 1]"), "--until", "decided")
    assert "3 to 10 seeds" in listed.output


def test_one_seed_detects_nothing_and_one_model_has_no_comparison(command, suite):
    assert row(command("plan", suite("[0]")).output)[3] == "–"
    alone = command("plan", suite(models='"scratch"'))
    assert alone.code == 0
    assert "test examples" not in alone.output
    assert "test examples" not in command("plan", suite(), "--validation-only").output


def test_in_cross_validation_every_row_is_a_test_row_and_each_tells_a_little_less(command, suite):
    file = suite()
    carved = row(command("plan", file).output)
    Path(file).write_text(Path(file).read_text() + "folds = 5\n")
    result = command("plan", file)
    assert "0, 1, 2 × 5 folds" in result.output
    assert row(result.output)[:3] == ["mine", "3", "100"]
    assert float(row(result.output)[3]) < float(carved[3])


def test_runs_that_do_not_fit_on_the_disk_are_told(command, suite, monkeypatch):
    monkeypatch.setattr("harness.cli.planning.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    assert "That is more than is free in" in command("plan", suite()).output


def test_a_busy_machine_is_told(command, suite, monkeypatch):
    monkeypatch.setattr("os.getloadavg", lambda: (1000.0, 0.0, 0.0))
    assert "The machine is busy (load 1000.0 on " in command("plan", suite()).output
    monkeypatch.setattr("os.getloadavg", lambda: (0.5, 0.0, 0.0))
    assert "busy" not in command("plan", suite()).output


def test_a_machine_with_an_accelerator_is_measured_or_nothing_is_said_of_time(command, suite, monkeypatch):
    monkeypatch.setattr("harness.cli.planning.has_no_accelerator", lambda: False)
    output = command("plan", suite()).output
    assert "Time of 6 runs: the accelerator's speed is not known (harness plan --measure measures it)." in output


@pytest.mark.slow
def test_a_run_says_how_good_its_forecast_was_and_a_second_plan_goes_by_it(command, suite):
    file = suite(models='"tfidf", "majority"')
    result = command("run", file)
    assert result.code == 0, result.errors
    assert "2 runs were expected to take about 10 s (2 s to 2.0 min) one after the other; they took " in result.output
    assert len(json.loads(Path("runs/mine/forecast.json").read_text())["seconds"]) == 2
    assert "2 runs were expected to take" in command("compare", "runs/mine").output.replace("\n", " ")
    Path("other.toml").write_text(Path(file).read_text())
    again = command("plan", "other.toml")
    assert "Estimated from recorded runs." in again.output
    tuned = command("plan", "other.toml", "--trials", "2").output
    assert "Estimated from recorded runs" in tuned
    assert "the usual time of simple baselines" not in tuned


@pytest.mark.slow
def test_a_damaged_forecast_stops_no_run(command, suite):
    Path("runs/mine").mkdir(parents=True)
    Path("runs/mine/forecast.json").write_text("{")
    result = command("run", suite(models='"majority"'))
    assert result.code == 0
    assert "forecast.json" in result.errors


@pytest.mark.slow
def test_what_keeps_a_run_from_beginning_is_told_once(command, suite):
    file = suite(models='"majority"')
    assert command("run", file).code == 0
    changed = command("run", file, "--set", "train_examples=20")
    assert changed.code == 2
    assert changed.errors.count("recorded with another configuration") == 1
    assert command("run", file, "--set", "train_examples=20", "--redo").errors == ""


def test_data_given_as_a_suite_is_told_where_it_belongs(command):
    write_csv(Path("my reviews.csv"), reviews(100))
    result = command("plan", "my reviews.csv")
    assert result.code == 2
    assert result.errors.startswith("my reviews.csv: not a suite, which is a .toml file. For your own data: harness ")
    assert "harness choose 'my reviews.csv' (with --write" in result.errors

"""`harness run --until decided`: a suite is run look by look, goes on where it was, and keeps to its rule."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import reviews, write_csv

from harness.cli.sequential import next_runs
from harness.comparison.look import Look
from harness.suites.seeds import SequentialSeeds, seed_rule

SUITE = """
tasks    = ["mine"]
models   = {models}
baseline = "tfidf"
seeds    = {seeds}
[training]
maximum_steps = 1
evaluations_per_epoch = 1
[data.mine]
train = "reviews.csv"
"""
RUNS = Path("runs/tiny/mine")
RULE = seed_rule(SequentialSeeds(start=3, most=10))


@pytest.fixture
def suite(command, checkpoints):
    """Writes a suite with a checkpoint and a simple baseline in a folder of its own."""
    write_csv(Path("reviews.csv"), reviews())
    shutil.copytree(checkpoints["bert"], "bert")

    def written(seeds, models=("bert/", "tfidf")):
        Path("tiny.toml").write_text(SUITE.format(seeds=seeds, models=list(models)))
        return "tiny.toml"

    return written


def seeds_run(model="bert"):
    return sorted(int(file.parent.name.removeprefix("seed-")) for file in RUNS.glob(f"{model}/seed-*/run.json"))


@pytest.mark.slow
def test_seeds_are_added_until_the_last_look_and_a_stopped_suite_goes_on_where_it_was(command, suite):
    file = suite("{ start = 3, most = 4 }")
    first = command("run", file, "--only", "tfidf")
    assert first.code == 0
    assert "mine: look" not in first.output
    whole = command("run", file)
    assert whole.code == 0, whole.output + whole.errors
    assert seeds_run() in ([0, 1, 2], [0, 1, 2, 3])
    assert seeds_run("tfidf") == [0]
    assert "mine: look 1, at 3 seeds: " in whole.output
    (rule,) = [json.loads(Path("runs/tiny/suite.json").read_text())["sequential"]]
    assert (rule["looks"], rule["seeds"]) == ([3, 4], [0, 1, 2, 3])
    shutil.rmtree(RUNS / "bert/seed-1")
    again = command("run", file)
    assert again.code == 0
    assert 1 in seeds_run()
    assert again.output.count("✓") == 1
    assert "Seeds are added until the comparisons are decided" in " ".join(
        command("compare", "runs/tiny").output.split()
    )
    ended = command("run", file)
    assert (ended.code, "✓" in ended.output) == (0, False)
    assert "mine: look" in ended.output
    assert "mine: look" in command("plan", file).output


@pytest.mark.slow
def test_looks_that_were_fixed_are_kept(command, suite):
    models = ("tfidf", "majority")
    assert command("run", suite("{ start = 3, most = 4 }", models)).code == 0
    changed = command("run", suite("{ start = 3, most = 6 }", models))
    assert changed.code == 2
    assert "looks after 3, 4 seeds were fixed when the suite was started" in changed.errors


@pytest.mark.slow
def test_a_suite_that_lists_its_seeds_is_run_until_decided_on_demand_and_says_what_was_seen_before(command, suite):
    file = suite("[5, 6, 7]", models=("tfidf", "majority"))
    assert command("run", file, "--only", "tfidf").code == 0
    result = command("run", file, "--until", "decided")
    assert result.code == 0, result.output + result.errors
    rule = json.loads(Path("runs/tiny/suite.json").read_text())["sequential"]
    assert rule["seeds"] == [5, 6, 7, 0, 1, 2, 3, 4, 8, 9]
    assert (rule["looks"], rule["begun_with"]) == ([3, 5, 10], 1)
    assert seeds_run("majority") == [5]
    assert command("run", file).code == 0  # The rule stays, for the report.
    assert json.loads(Path("runs/tiny/suite.json").read_text())["sequential"] == rule


def test_until_decided_needs_a_suite(command):
    result = command("run", "--model", "majority", "--task", "rotten_tomatoes", "--until", "decided")
    assert (result.code, result.lines[0][:20]) == (2, "harness run: --until")


class FakeRun:
    """As much of a run as the choice of the next ones asks for."""

    def __init__(self, task, model, seed, state):
        self.config = type("Config", (), {"task": task, "seed": seed})
        self.folder, self.model, self._state = Path(task, model, str(seed)), model, state

    def state(self):
        return self._state


def planned(done=0, *, models=("a", "b"), task="t", failed=()):
    return [
        FakeRun(task, model, seed, "failed" if (model, seed) in failed else "complete" if seed < done else "new")
        for model in models
        for seed in range(10)
    ]


def seeds_of(runs):
    return sorted({run.config.seed for run in runs})


def look(number, *undecided):
    return Look(number=number, looks=RULE.looks, seeds=RULE.seeds[: RULE.looks[number - 1]], level=0.015,
                undecided=undecided)  # fmt: skip


@pytest.mark.parametrize(
    ("done", "looks", "expected"),
    [
        (0, {}, [0, 1, 2]),
        (3, {"t": look(1, "a")}, [3, 4]),
        (3, {"t": look(1)}, []),
        (4, {"t": look(1, "a")}, [4]),
        (5, {"t": look(2, "a")}, [5, 6, 7, 8, 9]),
        (10, {"t": look(3, "a")}, []),
    ],
)
def test_the_next_runs_are_those_that_the_next_look_lacks(done, looks, expected):
    assert seeds_of(next_runs(planned(done), looks, RULE, tried=())) == expected


def test_tasks_stop_separately():
    runs = [*planned(3, task="s"), *planned(3, task="t")]
    found = next_runs(runs, {"s": look(1), "t": look(1, "b")}, RULE, tried=())
    assert {(run.config.task, run.config.seed) for run in found} == {("t", 3), ("t", 4)}


def test_a_failed_run_is_tried_once_more_by_each_command_before_the_next_look():
    runs = planned(3, failed=[("a", 1)])
    (again,) = next_runs(runs, {"t": look(1, "b")}, RULE, tried=())
    assert (again.model, again.config.seed) == ("a", 1)
    assert seeds_of(next_runs(runs, {"t": look(1, "b")}, RULE, tried={again.folder})) == [3, 4]


def test_a_redo_begins_with_all_of_the_look_that_a_task_is_at():
    assert seeds_of(next_runs(planned(5), {"t": look(2)}, RULE, tried=(), redo=True)) == [0, 1, 2, 3, 4]

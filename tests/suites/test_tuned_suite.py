"""Suites that tune: trials are runs of their own, the best one's recipe is trained anew, and nothing is run twice."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import read_record, reviews, write_csv

from harness.records import read_records

SUITE = """
tasks    = ["mine"]
models   = ["bert", "plain", "majority"]
seeds    = [0, 1]
[variants]
bert = "bert/"
plain = "bert/"
[training]
maximum_steps = 2
evaluations_per_epoch = 1
[tuning]
trials = 2
models = ["bert"]
[data.mine]
train = "reviews.csv"
"""
RUNS = Path("runs/tiny/mine")
TRIALS = RUNS / "bert/trials"


@pytest.fixture
def suite(command, checkpoints):
    """A suite with a checkpoint, tuned and as it is, and a simple baseline, in a folder of its own."""
    write_csv(Path("reviews.csv"), reviews())
    shutil.copytree(checkpoints["bert"], "bert")
    Path("tiny.toml").write_text(SUITE)
    return "tiny.toml"


def change(old, new):
    content = Path("tiny.toml").read_text()
    assert content.count(old) == 1
    Path("tiny.toml").write_text(content.replace(old, new))


def trial(number):
    return read_record(TRIALS / f"trial-{number:03}")


def times(folder):
    return {file: file.stat().st_mtime_ns for file in Path(folder).rglob("run.json")}


def trained_settings(record):
    return {name: record["config"]["training"][name] for name in ("learning_rate", "batch_size", "dropout")}


@pytest.mark.slow
def test_the_best_trial_is_trained_anew_with_the_suites_seeds(command, suite):
    result = command("run", suite)
    assert result.code == 0, result.output + result.errors
    scores = [trial(number)["scores"] for number in range(2)]
    assert all(list(found) == ["validation"] for found in scores)
    best = max(range(2), key=lambda number: scores[number]["validation"]["accuracy"])
    assert f"mine · bert: trial {best} of 2 is best on validation." in result.output
    for seed in range(2):
        record = read_record(RUNS / f"bert/seed-{seed}")
        assert trained_settings(record) == trained_settings(trial(best))
        assert (record["tuning"]["trials"], record["tuning"]["best"]) == (2, best)
        assert record["tuning"]["space"] == trial(0)["trial"]["space"]
        assert record["seed"] == seed
        card = (RUNS / f"bert/seed-{seed}/checkpoint/README.md").read_text()
        assert "The best of 2 trials on the validation split." in card
        assert "test" in record["scores"]
    untuned = read_record(RUNS / "plain/seed-0")
    assert untuned["tuning"] is None
    assert untuned["config"]["training"]["learning_rate"] == 2e-5


@pytest.mark.slow
def test_tuned_and_untuned_stand_beside_each_other_in_one_report(command, suite):
    assert command("run", suite).code == 0
    result = command("report", "runs/tiny")
    assert result.code == 0, result.errors
    page = next(Path("runs/tiny").rglob("*.html")).read_text()
    assert "bert: tuned, at 2 trials each. Not tuned: plain." in page
    recipes = {name: trained_settings(read_record(RUNS / name / "seed-0")) for name in ("bert", "plain")}
    rates = {name: recipe["learning_rate"] for name, recipe in recipes.items()}
    assert rates["plain"] == 2e-5
    assert rates["bert"] != 2e-5


@pytest.mark.slow
def test_trials_have_seeds_of_their_own_leave_a_record_alone_and_are_no_seeds_of_their_model(command, suite):
    command("run", suite, "--only", "bert")
    seeds = {trial(number)["seed"] for number in range(2)}
    assert len(seeds) == 2
    assert min(seeds) >= 2**31
    assert sorted(path.name for path in TRIALS.rglob("*")) == ["run.json", "run.json", "trial-000", "trial-001"]
    records, problems = read_records(Path("runs"))
    assert problems == []
    assert sorted((record.model, record.seed) for _, record in records) == [("bert", 0), ("bert", 1)]


@pytest.mark.slow
def test_what_is_recorded_is_skipped_and_a_lost_trial_comes_back_to_the_bit(command, suite):
    command("run", suite, "--only", "bert")
    before, lost = times("runs"), trial(1)
    again = command("run", suite, "--only", "bert")
    assert again.output.count("2 of 2 runs are recorded already and are skipped.") == 2
    assert times("runs") == before
    shutil.rmtree(TRIALS / "trial-001")
    assert command("run", suite, "--only", "bert").code == 0
    assert (trial(1)["scores"], trial(1)["curve"], trial(1)["config"]) == (
        lost["scores"],
        lost["curve"],
        lost["config"],
    )


@pytest.mark.slow
def test_more_trials_keep_the_first_ones(command, suite):
    command("run", suite, "--only", "bert")
    before = times(TRIALS)
    plan = command("plan", suite, "--only", "bert", "--trials", "3")
    assert [line.split()[1:3] for line in plan.output.splitlines()[1:3]] == [["bert", "3"], ["bert", "0,"]]
    assert "2 complete, 1 new" in plan.output
    assert "by trials" in plan.output
    command("run", suite, "--only", "bert", "--trials", "3")
    assert times(TRIALS).items() >= before.items()
    assert len(times(TRIALS)) == 3


@pytest.mark.slow
def test_another_winner_asks_for_a_redo_which_keeps_the_trials(command, suite):
    command("run", suite, "--only", "bert")
    best = read_record(RUNS / "bert/seed-0")["tuning"]["best"]
    worsen(best)
    before = times(TRIALS)
    refused = command("run", suite, "--only", "bert")
    assert refused.code == 2
    assert f"{RUNS}/bert/seed-0/run.json: recorded with another configuration; use --redo" in refused.lines[0]
    assert command("run", suite, "--only", "bert", "--redo").code == 0
    assert times(TRIALS) == before
    assert read_record(RUNS / "bert/seed-1")["tuning"]["best"] == 1 - best


def worsen(number):
    """Record a score of nothing for a trial."""
    file = TRIALS / f"trial-{number:03}" / "run.json"
    content = json.loads(file.read_text())
    content["scores"]["validation"]["accuracy"] = 0.0
    del content["sha256"]
    file.write_text(json.dumps(content))


@pytest.mark.slow
def test_a_model_that_was_recorded_untuned_is_not_tuned_by_the_way(command, suite):
    change('models = ["bert"]', 'models = ["plain"]')
    command("run", suite, "--only", "bert")
    change('models = ["plain"]', 'models = ["bert"]')
    for words in (("plan", suite), ("run", suite)):
        refused = command(*words)
        assert (refused.code, len(refused.lines)) == (2, 2)
        assert refused.lines[0].startswith(f"{RUNS}/bert/seed-0/run.json: recorded without tuning; use --redo")
    assert not TRIALS.exists()


@pytest.mark.slow
def test_a_failed_trial_is_the_worst_and_is_not_tried_again_once_the_recipe_is_chosen(command, suite, monkeypatch):
    change('models = ["bert"]', 'models = ["bert"]\n[tuning.space]\nmax_length = [8, 100000]')
    change("trials = 2", "trials = 6")
    result = command("run", suite, "--only", "bert")
    statuses = [trial(number)["status"] for number in range(6)]
    assert set(statuses) == {"complete", "failed"}
    assert result.code != 0
    best = read_record(RUNS / "bert/seed-0")["tuning"]["best"]
    assert statuses[best] == "complete"
    before = times("runs")
    assert command("run", suite, "--only", "bert").code == 0
    assert times("runs") == before


@pytest.mark.slow
def test_what_reads_nothing_that_is_varied_has_no_trials(command, suite):
    change('models = ["bert"]\n', "\n")
    command("run", suite, "--only", "majority")
    assert not (RUNS / "majority/trials").exists()
    plan = command("plan", suite, "--only", "majority", "--set", "maximum_steps=0")
    assert "trials" not in plan.output


@pytest.mark.slow
def test_the_penalty_of_tfidf_is_tuned(command, suite):
    change('models = ["bert"]\n', "\n")
    change('models   = ["bert", "plain", "majority"]', 'models   = ["tfidf"]')
    change('bert = "bert/"\nplain = "bert/"\n', "")
    result = command("run", suite)
    assert result.code == 0, result.output + result.errors
    records = [read_record(RUNS / f"tfidf/trials/trial-00{number}") for number in range(2)]
    penalties = [record["config"]["training"]["baseline_penalty"] for record in records]
    assert len(set(penalties)) == 2
    seed = read_record(RUNS / "tfidf/seed-0")
    assert seed["config"]["training"]["baseline_penalty"] == penalties[seed["tuning"]["best"]]


@pytest.mark.slow
def test_one_model_on_own_data_is_tuned_too(command, suite):
    words = ["--model", "bert/", "--train", "reviews.csv", "--set", "maximum_steps=1"]
    assert command("run", *words, "--trials", "2").code == 0
    (folder,) = Path("runs/single").glob("reviews-*/bert")
    assert sorted(path.name for path in folder.iterdir()) == ["seed-0", "trials"]
    assert read_record(folder / "seed-0")["tuning"]["trials"] == 2


@pytest.mark.slow
def test_two_workers_and_one_give_the_same_trials_and_weights_to_the_bit(command, suite):
    change("maximum_steps = 2", "maximum_steps = 20\ndropout = 0.1")
    change("trials = 2", "trials = 3")
    for workers in ("1", "2"):
        result = command("run", suite, "--only", "bert", "--workers", workers, "--runs", f"runs-{workers}")
        assert result.code == 0, result.output + result.errors
    for part in ("trials/trial-000", "trials/trial-001", "trials/trial-002", "seed-0", "seed-1"):
        one, two = (Path(f"runs-{workers}/tiny/mine/bert", part) for workers in "12")
        ours, theirs = read_record(one), read_record(two)
        for name in ("scores", "curve", "best_step", "config", "trial", "tuning"):
            assert ours[name] == theirs[name], (part, name)
        if part.startswith("seed"):
            weights = "checkpoint/model.safetensors"
            assert (one / weights).read_bytes() == (two / weights).read_bytes()


@pytest.mark.slow
def test_seeds_that_are_added_until_all_is_decided_have_the_recipe_of_the_trials(command, suite):
    change('models   = ["bert", "plain", "majority"]', 'models   = ["bert", "plain"]')
    change("seeds    = [0, 1]\n", "seeds = { start = 3, most = 4 }\n")
    result = command("run", suite)
    assert result.code == 0, result.output + result.errors
    seeds = sorted(RUNS.glob("bert/seed-*"))
    assert len(seeds) in (3, 4)
    assert {json.dumps(trained_settings(read_record(seed))) for seed in seeds} == {
        json.dumps(trained_settings(trial(read_record(seeds[0])["tuning"]["best"])))
    }
    assert len(times(TRIALS)) == 2
    assert "4 new" not in command("plan", suite).output

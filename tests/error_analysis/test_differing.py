"""`harness diff`: in what two runs differ, and what that does not show."""

import json

import pytest
from scipy.stats import binomtest
from synthetic_runs import add_runs, predictions, record, save

from harness.comparison.effects import exact_mcnemar

REFERENCES = ["positive", "negative"] * 50


def flipped(places):
    return [
        {"positive": "negative", "negative": "positive"}[label] if place in places else label
        for place, label in enumerate(REFERENCES)
    ]


@pytest.fixture
def pair(tmp_path):
    """Two seeds: the first is wrong on 0 to 9, the second on 8 to 9 and 20 to 22, with another learning rate."""
    folders = []
    for seed, wrong, rate in ((0, range(10), 2e-5), (1, [8, 9, 20, 21, 22], 1e-4)):
        run = record(
            seed=seed,
            scores={"test": {"accuracy": 1 - len(wrong) / 100}},
            config={"task": "rotten_tomatoes", "seed": seed, "training": {"learning_rate": rate}},
        )
        folders.append(save(tmp_path / "runs", run, predictions(REFERENCES, flipped(set(wrong)))))
    return folders


@pytest.mark.slow
def test_settings_scores_and_flips_are_told_and_no_claim_is_made(pair, command):
    found = json.loads(command("diff", *pair, "--json").output)
    assert {one["name"]: (one["one"], one["other"]) for one in found["settings"]} == {
        "seed": (0, 1), "training.learning_rate": (2e-5, 1e-4),
    }  # fmt: skip
    (score,) = found["scores"]
    assert score["difference"] == pytest.approx(0.05)
    # The paired differences: 8 of +1, 3 of -1 and 89 of 0; variance (11 - 100 * 0.05 ** 2) / 99, t of 99 degrees 1.984.
    half = 1.984 * ((11 - 0.25) / 99 / 100) ** 0.5
    assert (score["low"], score["high"]) == pytest.approx((0.05 - half, 0.05 + half), abs=1e-4)
    flips = found["flips"]
    assert (flips["won"], flips["lost"]) == (8, 3)
    assert flips["p_value"] == pytest.approx(binomtest(3, 11).pvalue)
    assert found["disagree"] == 11
    assert len(found["disagreements"]) == 10
    output = " ".join(command("diff", *pair).output.split())
    assert "don't show which model, or which setting, is better" in output
    assert "McNemar's exact test of these two runs: p = 0.227" in output


@pytest.mark.slow
def test_examples_in_groups_get_no_test_that_takes_them_for_independent(tmp_path, command):
    groups = [f"film {place // 5}" for place in range(100)]
    folders = [
        save(
            tmp_path / "runs",
            record(seed=seed, scores={"test": {"accuracy": 0.9}}),
            predictions(REFERENCES, flipped(set(range(seed, 10))), groups),
        )
        for seed in (0, 1)
    ]
    assert json.loads(command("diff", *folders, "--json").output)["flips"]["p_value"] is None
    assert "in groups, so McNemar's test does not hold" in " ".join(command("diff", *folders).output.split())


@pytest.mark.slow
def test_a_metric_that_does_not_apply_to_a_run_has_no_score_of_it(tmp_path, command):
    folders = [
        save(
            tmp_path / "runs",
            record(model=model, scores={"test": {"accuracy": score}}),
            predictions(REFERENCES, REFERENCES),
        )
        for model, score in (("one", 1.0), ("other", float("nan")))
    ]
    output = command("diff", *folders, "--json").output
    assert "NaN" not in output  # Which JSON does not have.
    (score,) = json.loads(output)["scores"]
    assert (score["one"], score["other"], score["difference"]) == (1.0, None, None)
    assert "nan" not in command("diff", *folders).output


@pytest.mark.slow
def test_runs_that_were_tested_on_other_examples_are_not_paired(tmp_path, command):
    add_runs(tmp_path / "runs", "bert-mini", 0.8, range(1))
    add_runs(tmp_path / "runs", "scratch", 0.7, range(1), examples=200)
    folders = [tmp_path / f"runs/reviews/rotten_tomatoes/{model}/seed-0" for model in ("bert-mini", "scratch")]
    found = json.loads(command("diff", *folders, "--json").output)
    assert (found["flips"], found["disagree"]) == (None, None)
    assert "low" not in found["scores"][0]
    assert "they were tested on different examples" in command("diff", *folders).output


@pytest.mark.slow
def test_a_run_without_an_end_differs_too(pair, tmp_path, command):
    diverged = save(tmp_path / "runs", record(seed=2, status="diverged", reason="nan"), None)
    found = command("diff", pair[0], diverged)
    assert found.code == 0
    assert "has no predictions of test examples" in " ".join(found.output.split())
    assert "no run, but a folder that holds 3" in command("diff", pair[0], tmp_path).errors


def test_the_exact_p_value_is_that_of_the_binomial_distribution():
    assert [exact_mcnemar(*pair) for pair in ((10, 25), (40, 40))] == pytest.approx([binomtest(10, 35).pvalue, 1.0])


def test_a_run_is_not_compared_with_itself(pair, command):
    found = command("diff", pair[0], pair[0] / "../seed-0")
    assert (found.code, found.lines) == (2, [f"{pair[0]}/../seed-0: is the same run as {pair[0]}. Name two runs."])

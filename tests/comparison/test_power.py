"""What a plan detects, held against the audit's figures, against simulation, and against runs with known noise."""

from types import SimpleNamespace

import numpy as np
import pytest
from made_evidence import guessed
from synthetic_runs import add_runs

from harness.comparison.comparison import compare
from harness.comparison.formatting import duration
from harness.comparison.planned_power import noise_of
from harness.comparison.power import (
    Design,
    Noise,
    assumed_noise,
    detectable,
    examples_to_detect,
    half_width,
    recorded_noise,
    seeds_to_detect,
)
from harness.comparison.statistics import Evidence, difference
from harness.metrics.metric import CORRELATION, PERCENT, PLAIN
from harness.records import read_records
from harness.reporting import tables
from harness.suites.forecast_file import Foreseen, ForeseenPower, keep_forecast
from harness.suites.ranges import Range

SMALL_LUCK = Noise(examples=0.12, seeds=0.02**2, clusters=1.0, source="a test")


@pytest.mark.parametrize(("seeds", "points"), [(3, 6.4), (5, 4.5), (10, 3.3)])
def test_a_plan_with_small_luck_detects_what_the_audit_of_the_statistics_found(seeds, points):
    assert 100 * detectable(SMALL_LUCK, Design(seeds, 2000, models=2)) == pytest.approx(points, abs=0.15)


def test_without_seeds_effect_it_is_the_paired_t_test_of_the_text_books():
    from scipy.stats import norm, t

    noise = Noise(0.16, 0.0, 1.0, "")
    for examples in (400, 4):
        quantile, error = t.ppf(0.975, examples - 1), np.sqrt(0.16 / examples)
        expected = (quantile + norm.ppf(0.8)) * error
        assert detectable(noise, Design(5, examples, models=2)) == pytest.approx(expected, rel=1e-4)
        assert half_width(noise, Design(5, examples, models=6)) == pytest.approx(quantile * error, rel=1e-4)


def test_more_models_ask_for_a_larger_difference_and_more_seeds_or_examples_for_a_smaller_one():
    found = [detectable(SMALL_LUCK, Design(3, 2000, models=models)) for models in (2, 4, 8)]
    assert found == sorted(found)
    assert found[0] < found[2]
    assert detectable(SMALL_LUCK, Design(4, 2000, models=2)) < found[0]
    assert detectable(SMALL_LUCK, Design(3, 4000, models=2)) < found[0]
    # Beside a simple baseline only one side has seeds.
    assert detectable(SMALL_LUCK, Design(10, 2000, models=2, trained=1)) < detectable(
        SMALL_LUCK, Design(10, 2000, models=2)
    )


def test_the_fewest_seeds_and_examples_just_detect_what_is_wanted():
    design = Design(5, 2000, models=3)
    seeds = seeds_to_detect(SMALL_LUCK, design, 0.04)
    assert detectable(SMALL_LUCK, Design(seeds, 2000, models=3)) <= 0.04
    assert detectable(SMALL_LUCK, Design(seeds - 1, 2000, models=3)) > 0.04
    examples = examples_to_detect(SMALL_LUCK, design, 0.05)
    assert detectable(SMALL_LUCK, Design(5, examples, models=3)) <= 0.05
    assert detectable(SMALL_LUCK, Design(5, examples - 1, models=3)) > 0.05


def test_two_seeds_or_two_examples_are_enough_where_next_to_nothing_varies():
    steady, design = Noise(1e-12, 1e-12, 1.0, ""), Design(5, 2000, models=2)
    assert (seeds_to_detect(steady, design, 0.5), examples_to_detect(steady, design, 0.5)) == (2, 2)


def test_up_to_a_thousand_seeds_are_tried():
    # Of a thousand seeds Student's t is nearly normal, and next to nothing comes from the examples.
    noise, design = Noise(1e-9, 0.02**2, 1.0, ""), Design(5, 2000, models=2)
    wanted = [(1.96 + 0.8416) * np.sqrt(2 * 0.02**2 / seeds) for seeds in (700, 1010)]
    assert seeds_to_detect(noise, design, wanted[0]) == pytest.approx(700, abs=2)
    assert seeds_to_detect(noise, design, wanted[1]) is None
    for seeds in (2, 3, 4, 5, 31, 1000):
        assert seeds_to_detect(noise, design, detectable(noise, Design(seeds, 2000, models=2))) == seeds


def test_no_number_of_examples_makes_up_for_few_seeds_nor_of_seeds_for_few_examples():
    assert examples_to_detect(SMALL_LUCK, Design(3, 2000, models=2), 0.01) is None
    assert seeds_to_detect(SMALL_LUCK, Design(3, 100, models=2), 0.01) is None


def test_one_seed_or_one_example_detects_nothing():
    assert detectable(SMALL_LUCK, Design(1, 2000, models=2)) is None
    assert detectable(SMALL_LUCK, Design(3, 1, models=2)) is None
    assert detectable(SMALL_LUCK, Design(1, 2000, models=2, trained=0)) is not None


def test_examples_that_belong_together_count_as_so_many_clusters():
    grouped = Noise(0.12, 0.02**2, 0.1, "")
    assert detectable(grouped, Design(3, 2000, models=2)) == detectable(SMALL_LUCK, Design(3, 200, models=2))


def test_of_scores_without_a_range_nothing_is_assumed():
    assert assumed_noise(PLAIN) is None
    assert assumed_noise(PERCENT) == assumed_noise(CORRELATION)
    # 80 % right: p (1 - p) = 0.16, and the difference of two models with correlation 0.5 has as much.
    assert assumed_noise(PERCENT).examples == pytest.approx(0.16)
    assert assumed_noise(PERCENT).seeds == pytest.approx(0.0004)


@pytest.mark.slow
def test_the_planned_difference_is_found_in_some_eighty_percent_of_simulated_comparisons():
    rng = np.random.default_rng(0)
    examples, seeds, luck = 1000, 5, 0.02
    # Answers are independent but for their ease: Ve = 2 (p (1 - p) - var ease) / seeds.
    noise = Noise(2 * (0.21 - 0.01) / seeds, luck**2, 1.0, "")
    gap = detectable(noise, Design(seeds, examples, models=2))
    found = []
    for _ in range(200):
        ease = 0.1 * rng.choice([-1, 1], size=examples)
        ours, theirs = guessed(rng, 0.7 + gap, luck, ease, seeds), guessed(rng, 0.7, luck, ease, seeds)
        found.append(difference(ours, theirs).p_value < 0.05)
    assert 0.70 <= np.mean(found) <= 0.97  # The audit's 75 to 86 and 94 to 97 %, with 200 draws' error.


def recorded(runs, **shares):
    for model, share in shares.items():
        add_runs(runs, model, share, range(1) if model == "tfidf" else range(5), family=model)
    found, problems = read_records(runs)
    assert not problems
    return found


def test_recorded_runs_tell_how_scores_vary(tmp_path):
    found = noise_of(recorded(tmp_path, bert=0.80, roberta=0.75, tfidf=0.70), "accuracy")
    assert found.source == "as in 11 recorded runs of suite reviews"
    assert found.clusters == pytest.approx(1.0)
    scores = {
        model: [record.scores["test"]["accuracy"] for _, record in read_records(tmp_path / "reviews")[0]
                if record.model == model] for model in ("bert", "roberta")
    }  # fmt: skip
    between = np.mean([np.var(values, ddof=1) for values in scores.values()])
    # The seeds' component is what the answers' own randomness does not explain of the spread, so it is smaller.
    assert 0 <= found.seeds < between
    # At most as often as the two models' answers differ.
    assert 0.01 < found.examples < 0.3


def test_the_noise_of_the_suite_with_the_most_runs_is_taken(tmp_path):
    add_runs(tmp_path, "bert", 0.8, range(2), suite="small")
    found = noise_of(recorded(tmp_path, bert=0.8, roberta=0.75), "accuracy")
    assert found.source == "as in 10 recorded runs of suite reviews"


def test_runs_that_say_nothing_of_examples_or_of_seeds_leave_it_to_the_prior(tmp_path):
    assert noise_of([], "accuracy") is None
    assert noise_of(recorded(tmp_path, bert=0.8), "accuracy") is None
    add_runs(tmp_path / "single", "a", 0.8, range(1))
    add_runs(tmp_path / "single", "b", 0.7, range(1))
    assert noise_of(read_records(tmp_path / "single")[0], "accuracy") is None


def test_recorded_noise_is_of_a_mean_over_seeds_and_grouped_examples_count_as_groups():
    rng = np.random.default_rng(0)
    groups = np.arange(400) // 10
    models = []
    for number in range(2):
        right = rng.random((4, 40)).repeat(10, axis=1) < 0.7
        scores = right.mean(axis=1)
        clusters = np.array([np.bincount(groups, row - row.mean()) / 400 for row in right])
        split = SimpleNamespace(examples=400)
        models.append(SimpleNamespace(model=str(number), evidence=Evidence(scores, clusters), split=split))
    found = recorded_noise(models, "a test")
    assert found.clusters == pytest.approx(0.1)
    averaged = models[0].evidence.contributions.mean(axis=0) - models[1].evidence.contributions.mean(axis=0)
    assert found.examples == pytest.approx((averaged**2).sum() * 40 / 39 * 40)


def test_the_noise_of_two_models_is_pooled_over_their_seeds_and_what_says_nothing_is_left_out():
    # The examples' part of all seeds of a model is the same, so that nothing but the seeds makes its scores differ.
    def of(name, scores, part):
        return SimpleNamespace(
            model=name, evidence=Evidence(np.array(scores), np.tile(part, (len(scores), 1))), split=split
        )

    split, part, other = SimpleNamespace(examples=3), np.array([0.1, -0.1, 0.0]), np.array([0.0, 0.05, -0.05])
    models = [
        SimpleNamespace(model="none", evidence=None, split=split),
        of("one example", [0.5, 0.6], [0.0]),
        of("two", [0.5, 0.7], part),
        of("three", [0.5, 0.6, 0.7], other),
        of("once", [0.5], part),
        of("once more", [0.5], part),
    ]
    found = recorded_noise(models, "a test")
    assert found.seeds == pytest.approx((0.02 * 1 + 0.01 * 2) / 3)
    assert found.examples == pytest.approx(((part - other) ** 2).sum() * 3 / 2 * 3)
    assert found.clusters == 1.0


def test_how_good_the_forecasts_were_is_said_of_time_and_of_intervals(tmp_path):
    add_runs(tmp_path, "bert", 0.80, range(3))
    add_runs(tmp_path, "scratch", 0.70, range(3), family="scratch")
    folder = tmp_path / "reviews"
    names = [f"rotten_tomatoes/{model}/seed-{seed}" for model in ("bert", "scratch") for seed in range(3)]
    seconds = dict.fromkeys([*names, "rotten_tomatoes/never/seed-0"], Range(60.0, 30.0, 120.0))
    power = {"rotten_tomatoes": ForeseenPower(0.045, 0.03, 3, "a test"), "other": ForeseenPower(0.1, 0.1, 3, "")}
    keep_forecast(folder, Foreseen(seconds, power))
    found = compare(folder, baseline="scratch")
    took = sum(sum(run.record.cost.seconds.values()) for cell in found.tasks[0].cells for run in cell.runs)
    estimate = found.tasks[0].cells[0].from_baseline.estimate
    width = f"{50 * (estimate.high - estimate.low):.1f}"
    assert found.foreseen == (
        f"6 runs were expected to take about 6.0 min (3.0 min to 12 min) one after the other; they took "
        f"{duration(took)}.",
        "rotten_tomatoes: the plan was to detect a difference of 4.5 points, with intervals of ±3.0 around "
        f"differences; they were ±{width}.",
    )
    assert found.foreseen == tables.footnotes(found)[-2:]
    (folder / "forecast.json").write_text("{")
    damaged = compare(folder, baseline="scratch")
    assert damaged.foreseen == ()
    assert any("forecast.json" in line for line in damaged.problems)

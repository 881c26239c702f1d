"""What is said of a plan's forecasts, word for word, of comparisons that are made by hand."""

from dataclasses import replace

from made_comparisons import cell, estimate, lead, task
from synthetic_runs import record

from harness.comparison.foreseen import foreseen_lines
from harness.record import Cost
from harness.suites.forecast_file import FORECAST_FILE, Foreseen, ForeseenPower, keep_forecast
from harness.suites.ranges import Range

POWER = ForeseenPower(0.045, 0.03, 3, "a test")
TIME = Range(60.0, 30.0, 120.0)


def found(suite, *runs, **changes):
    """Records of runs that took 40 seconds in all, with their folders below the suite's."""
    cost = Cost(seconds={"train": 30.0, "test": 10.0})
    return [(suite / run, record(suite=suite.name, cost=cost, **changes)) for run in runs]


def compared(*cells, suite="reviews", name="t", **changes):
    return replace(task(*cells, **changes), suite=suite, task=name)


def lines(folder, foreseen, records, *tasks):
    keep_forecast(folder, foreseen)
    problems = []
    said = foreseen_lines(records, tasks, problems)
    assert problems == []
    return said


def test_the_time_is_of_runs_that_were_foreseen_and_did_not_fail(tmp_path):
    suite = tmp_path / "reviews"
    foreseen = Foreseen({f"t/a/seed-{seed}": TIME for seed in range(3)})
    first, second = found(suite, "t/a/seed-0", "t/a/seed-1", status="diverged")
    other = found(suite, "t/a/seed-2", status="failed") + found(suite, "t/b/seed-0")
    elsewhere = [(tmp_path / "copies/t/a/seed-2", first[1])]
    assert lines(suite, foreseen, [first, *other, *elsewhere]) == (
        "1 run was expected to take about 60 s (30 s to 2.0 min) one after the other; it took 40 s.",
    )
    assert lines(suite, foreseen, [first, second]) == (
        "2 runs were expected to take about 2.0 min (60 s to 4.0 min) one after the other; they took 80 s.",
    )
    assert lines(suite, foreseen, other) == ()


def test_the_intervals_are_those_of_differences_from_the_baseline_or_the_simple_one(tmp_path):
    suite = tmp_path / "reviews"
    records = found(suite, "t/c/seed-0")
    base, a = cell("base", estimate(0.7)), cell("a", estimate(0.9), from_baseline=lead("base", 0.2))
    half = replace(a.from_baseline, estimate=estimate(0.2, 0.16, 0.24))
    b = replace(a, model="b", from_baseline=half, from_simple_baseline=lead("tfidf", 0.1))
    c = replace(b, model="c", from_baseline=None)
    said = "t: the plan was to detect a difference of 4.5 points, with intervals of ±3.0 around differences; they were "
    power = Foreseen(power={"t": POWER})
    assert lines(suite, power, records, compared(a, b, base)) == (f"{said}±3.0.",)  # The median of 2 and 4.
    assert lines(suite, power, records, compared(c, base)) == (f"{said}±2.0.",)
    fewer = [replace(one, runs=one.runs[:count]) for one, count in ((b, 1), (base, 2))]
    assert lines(suite, power, records, compared(*fewer)) == (f"{said}±4.0 with 2 of 3 seeds.",)
    unit = compared(a, base, metric="mean_squared_error", higher_is_better=False)
    assert lines(suite, power, records, unit)[0].startswith("t: the plan was to detect a difference of 0.045, with")
    single = replace(a, from_baseline=lead("base", 0.2, includes_seeds=False))
    bare = replace(a, from_baseline=replace(half, estimate=estimate(0.2)))
    half_open = [replace(bare.from_baseline, estimate=estimate(0.2, *ends)) for ends in ((0.1, None), (None, 0.3))]
    for one in (base, single, bare, *(replace(a, from_baseline=found_) for found_ in half_open)):
        assert lines(suite, power, records, compared(one)) == ()
    assert lines(suite, power, records, compared(a, base, name="other"), compared(a, base, suite="other")) == ()
    both = lines(suite, power, records, compared(a, base, name="other"), compared(a, base))
    assert both == (f"{said}±2.0.",)


def test_a_damaged_forecast_is_told_and_hides_no_other_suite_s(tmp_path):
    damaged, whole = tmp_path / "damaged", tmp_path / "whole"
    for suite in (damaged, whole):
        keep_forecast(suite, Foreseen({"t/a/seed-0": TIME}))
    (damaged / FORECAST_FILE).write_text("{")
    records, problems = [*found(damaged, "t/a/seed-0"), *found(whole, "t/a/seed-0")], []
    assert [line[:18] for line in foreseen_lines(records, (), problems)] == ["1 run was expected"]
    assert len(problems) == 1
    assert FORECAST_FILE in problems[0]

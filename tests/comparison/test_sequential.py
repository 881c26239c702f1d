"""Seeds that are added until a comparison is decided: looks, levels, and what is claimed of whom."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import add_runs, record, save

from experiments.sequential_levels import rates
from harness.checksums import with_digest
from harness.cli.sequential import standing
from harness.comparison.comparison import compare
from harness.comparison.conclusions import verdict
from harness.comparison.look import Look
from harness.comparison.multiplicity import at_level, step_down
from harness.comparison.recommendation import recommended
from harness.comparison.sequential import at_look, look_lines
from harness.errors import UserError
from harness.fold import Fold
from harness.registry import FORMATS
from harness.suites.seeds import SeedRule, SequentialSeeds, look_levels, rule_for, seed_rule, spending_levels
from harness.suites.suite_file import SUITE_FILE, stated

RULE = seed_rule(SequentialSeeds(start=3, most=10))


def state_rule(folder, rule=RULE):
    """Leave what a sequential suite leaves in its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    content = with_digest({"baseline": "scratch", "sequential": asdict(rule)})
    (folder / SUITE_FILE).write_text(json.dumps(content))


@pytest.fixture
def runs(tmp_path):
    """The folder of a sequential suite, still without runs."""
    state_rule(tmp_path / "reviews")
    return tmp_path / "reviews"


def add(runs, model, share, seeds):
    add_runs(runs.parent, model, share, seeds, family="scratch" if model == "scratch" else "bert")


def only_task(runs):
    (task,) = compare(runs).tasks
    return task


def test_before_the_first_look_the_seeds_that_it_wants_are_recommended(runs):
    add(runs, "bert", 0.9, range(2))
    add_runs(runs.parent, "tfidf", 0.6, range(1), family="tfidf")
    found = recommended(only_task(runs))
    assert found.advice == "Can't tell yet: run at least 3 seeds of each model."
    assert found.reasons[0].startswith("With 2 seeds bert has ")


def test_the_usual_looks_have_the_levels_of_the_audit_and_others_spend_the_error_likewise():
    assert look_levels((3, 5, 10)) == (0.0151, 0.0150, 0.0318)
    # Lan and DeMets's linear spending: 0.05 x 3/10 at the first look; then Armitage's recursion.
    assert spending_levels((3, 5, 10)) == pytest.approx((0.0150, 0.0149, 0.0322), abs=1e-4)
    # One look has the whole error.
    assert spending_levels((7,)) == pytest.approx((0.05,), abs=1e-9)


@pytest.mark.parametrize("looks", [(3, 5, 10), (3, 4), (4, 8), (5, 10, 20)])
def test_the_levels_together_err_in_five_percent_where_all_noise_is_the_seeds(looks):
    from scipy.stats import norm

    sums = np.random.default_rng(0).normal(size=(100_000, looks[-1])).cumsum(axis=1)[:, np.array(looks) - 1]
    p_values = 2 * norm.sf(np.abs(sums) / np.sqrt(looks))
    assert (p_values < look_levels(looks)).any(axis=1).mean() == pytest.approx(0.05, abs=0.003)


def test_seeds_that_a_suite_lists_come_first_and_more_than_three_are_all_that_there_may_be():
    assert rule_for((7, 1)).seeds == (7, 1, 0, 2, 3, 4, 5, 6, 8, 9)
    assert rule_for((4, 5, 6, 7, 8, 9)).seeds == (4, 5, 6, 7, 8, 9)
    assert rule_for((4, 5, 6, 7, 8, 9)).looks == (3, 4, 6)


def test_claims_are_made_at_the_looks_level_and_intervals_are_as_wide_as_it_asks_for(runs):
    add(runs, "bert-mini", 0.80, range(3))
    add(runs, "scratch", 0.70, range(3))
    at_a_look = only_task(runs)
    (runs / SUITE_FILE).unlink()
    fixed = compare(runs, baseline="scratch").tasks[0]
    ours, usual = (task.cells[0].from_baseline for task in (at_a_look, fixed))
    assert ours.adjusted_p == pytest.approx(usual.adjusted_p * 0.05 / 0.0151)
    # The 98.49 % interval of two models' mean difference is wider by the ratio of their t quantiles.
    assert ours.estimate.value == usual.estimate.value
    assert ours.estimate.high - ours.estimate.low > 1.2 * (usual.estimate.high - usual.estimate.low)
    assert at_a_look.cells[0].estimate.high > fixed.cells[0].estimate.high
    assert at_a_look.look.level == 0.0151
    assert "look 1 of at most 3, after 3 seeds each" in " ".join(verdict(at_a_look))
    assert "look" not in " ".join(verdict(fixed))


def test_every_format_says_at_which_look_the_claims_are_made(runs):
    add(runs, "bert-mini", 0.80, range(3))
    add(runs, "scratch", 0.70, range(3))
    found = compare(runs)
    for name in ("html", "markdown", "latex"):
        assert "look 1 of at most 3, after 3 seeds each" in " ".join(FORMATS.load(name)(found).split())


def test_a_p_value_between_the_looks_level_and_five_percent_claims_nothing():
    found = step_down(["a", "b"], {("a", "b"): 0.01, ("b", "a"): 0.99})
    assert found.ahead_of("b") == ("a",)  # two-sided 0.02
    assert at_level(found, 0.0151).ahead_of("b") == ()
    assert at_level(found, 0.0318).ahead_of("b") == ("a",)
    assert at_level(found, 0.05) is found


def test_before_the_first_look_has_all_its_runs_nothing_is_claimed(runs):
    add(runs, "bert-mini", 0.90, range(3))
    add(runs, "scratch", 0.50, range(2))
    task = only_task(runs)
    assert (task.look.number, task.look.is_over) == (0, False)
    assert not any(cell.is_compared or cell.beaten_by for cell in task.cells)
    assert task.cells[0].from_baseline.adjusted_p is None
    assert "Nothing is claimed yet: looks are planned after 3, 5 and 10 seeds" in " ".join(verdict(task))
    assert "the first look, at 3 seeds, is missing runs" in standing("t", task.look)


@pytest.mark.slow
def test_runs_between_two_looks_wait_for_the_next_one(runs):
    add(runs, "bert-mini", 0.80, range(5))
    add(runs, "scratch", 0.79, range(4))
    task = only_task(runs)
    assert (task.look.number, task.look.seeds, task.look.left_out) == (1, (0, 1, 2), 3)
    assert {len(cell.runs) for cell in task.cells} == {3}
    assert not any(cell.missing_seeds for cell in task.cells)
    assert "3 runs of further seeds are left out until the next look is complete." in " ".join(verdict(task))
    add(runs, "scratch", 0.79, range(4, 5))
    assert only_task(runs).look.number == 2


def test_a_clear_difference_is_decided_at_the_first_look(runs):
    add(runs, "bert-mini", 0.90, range(3))
    add(runs, "scratch", 0.50, range(3))
    task = only_task(runs)
    assert (task.look.undecided, task.look.is_over) == ((), True)
    assert "No more seeds are needed" in " ".join(verdict(task))
    assert task.cells[0].from_baseline.is_significant


def test_a_failed_run_does_not_keep_the_others_from_their_look(runs):
    add(runs, "bert-mini", 0.90, range(2))
    add(runs, "scratch", 0.50, range(3))
    save(runs.parent, record(model="bert-mini", seed=2, status="failed", reason="out of memory"), None)
    save(runs.parent, record(model="roberta", seed=0, status="failed", reason="out of memory"), None)
    assert only_task(runs).look.number == 1


def test_simple_baselines_alone_need_no_look(runs):
    add_runs(runs.parent, "majority", 0.5, range(1), family="majority")
    assert only_task(runs).look is None


def of(model, seeds, **changes):
    return [(Path(f"{model}/seed-{seed}"), record(model=model, seed=seed, **changes)) for seed in seeds]


@pytest.mark.parametrize(
    ("seeds", "number", "kept", "level"),
    [(2, 0, 2, 0.0151), (3, 1, 3, 0.0151), (9, 2, 5, 0.0150), (10, 3, 10, 0.0318), (12, 3, 10, 0.0318)],
)
def test_a_look_is_made_of_its_own_seeds_at_its_own_level(seeds, number, kept, level):
    baseline = of("majority", [77], simple_baseline=True)
    look, found = at_look([*of("bert-mini", range(seeds)), *baseline], RULE)
    assert (look.number, look.level, look.left_out) == (number, level, seeds - kept)
    assert found == [*of("bert-mini", range(kept)), *baseline]
    assert look.seeds == tuple(range(max(kept, 3)))


def test_runs_of_none_of_the_looks_seeds_are_all_there_is():
    others = of("bert-mini", [70, 71])
    look, found = at_look(others, RULE)
    assert (look.number, look.left_out, found) == (0, 0, others)


def test_a_seed_is_whole_when_all_of_its_folds_are():
    def run(seed, number):
        fold = Fold(number=number, of=2)
        return Path(f"seed-{seed}-fold-{number}"), record(seed=seed, fold=fold)

    found = [run(seed, number) for seed in range(3) for number in (1, 2)]
    assert at_look(found, RULE)[0].number == 1
    assert at_look(found[:-1], RULE)[0].number == 0


def test_what_waits_and_what_was_recorded_before_are_told():
    look = Look(number=3, looks=(3, 5, 10), seeds=tuple(range(10)), level=0.0318, left_out=1, begun_with=2)
    lines = list(look_lines(look))
    assert lines[0].startswith(
        "Seeds are added until the comparisons are decided: this is look 3 of at most 3, after 10 "
    )
    assert "(looks were fixed at 3, 5 and 10)" in lines[0]
    assert lines[1] == "It was the last one."
    assert lines[2] == "1 run of further seeds is left out until the next look is complete."
    assert lines[3].startswith("2 runs were recorded before the looks were planned")
    assert [*look_lines(replace(look, begun_with=1))][3].startswith("1 run was recorded before the looks were planned")
    assert len(list(look_lines(replace(look, left_out=0, begun_with=0)))) == 2
    assert list(look_lines(None)) == []
    waits = replace(look, undecided=("a",))
    assert [replace(waits, number=number).is_over for number in (0, 1, 3)] == [False, False, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"levels": [0.0151, 0.0150, 1.0]},
        {"levels": [0.05]},
        {"looks": [5, 3, 10]},
        {"seeds": [0, 1, 2]},
        {"seeds": "all"},
        {"looks": []},
    ],
)
def test_a_rule_that_no_suite_leaves_is_refused_in_a_line(tmp_path, changes):
    content = {"sequential": {**json.loads(json.dumps(asdict(RULE))), **changes}}
    (tmp_path / SUITE_FILE).write_text(json.dumps(content))
    with pytest.raises(UserError, match="sequential: not as a suite writes it") as caught:
        stated(tmp_path, {"any"})
    assert len(caught.value.lines) == 1


def test_a_rule_is_read_back_as_it_was_left(runs):
    assert stated(runs, {"any"}).sequential == RULE
    assert isinstance(stated(runs, {"any"}).sequential, SeedRule)


@pytest.mark.slow
def test_looks_err_as_often_as_promised_in_simulated_comparisons_and_find_more_than_three_seeds():
    # At 5 % at each look 11 % would err; 400 draws have a standard error of 1.1 %.
    error, _, _, seeds = rates([2.0, 2.0], 250, 0.0, 400)
    assert 0.02 <= error <= 0.08
    assert 3 < seeds < 7
    found, with_three, with_ten, _ = rates([2.0, 2.0], 250, 6.0, 100)
    assert with_three + 0.2 < found <= with_ten + 0.05

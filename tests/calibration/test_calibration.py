"""What `harness calibrate` draws is what it says, and what it measures would show a comparison that is wrong."""

import re
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from made_evidence import evidence
from scipy import stats

from harness.calibration import measuring
from harness.calibration.draws import drawn, expected_score, simulation_of, simulations, spread_scores
from harness.calibration.fitting import Numbers, setting_of, sizes_of
from harness.calibration.grid import Case, Section, both, named_alike, sections
from harness.calibration.measuring import COVERAGE, FALSE_CLAIMS, FALSE_WINNERS, Measured, Rate, measured
from harness.calibration.page import Filled, cells, filled, page
from harness.calibration.rivals import bootstrap, mcnemar, multi_bootstrap, random_effects, welch
from harness.calibration.setting import BIMODAL, LARGE, NONE, SKILL, SMALL, Luck, Setting, equal_sizes, zipf_sizes
from harness.comparison.statistics import Evidence, mean
from harness.errors import UserError
from harness.metrics.lookup import find_metric, known_metrics

PLAIN = Setting("accuracy", 3, 250, SMALL)


def test_every_metric_that_a_task_can_have_is_tried():
    assert set(simulations()) == set(known_metrics())
    assert len(known_metrics()) > 30
    rows = next(section for section in sections() if section.title == "Every metric").rows
    tried = {case.setting.metric for row in rows.values() for case in row.values()}
    assert tried == set(named_alike())
    assert {name for alike in named_alike().values() for name in alike} == set(known_metrics())


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", sorted(named_alike()))
def test_better_runs_score_better(name: str):
    simulation = simulation_of(name)
    worse, better = (
        spread_scores(simulation, skill, 0.0, np.random.default_rng(0), 2000)[0].mean() for skill in (0, 2)
    )
    assert (better > worse) == find_metric(name).higher_is_better
    unit = find_metric(name).unit
    assert unit.least < min(worse, better)
    assert max(worse, better) < unit.most


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", sorted(named_alike()))
def test_examples_influences_add_up_to_nothing_and_tell_how_far_a_score_is_off(name: str):
    simulation, rng = simulation_of(name), np.random.default_rng(1)
    scores, errors = [], []
    for _ in range(60):
        score, influences = simulation.scored(rng, simulation.references(rng, 400), SKILL + 1.27 * rng.normal(size=400))
        assert influences.sum() == pytest.approx(0, abs=1e-6)
        scores.append(score)
        errors.append(influences.std() / sqrt(400))
    assert np.std(scores) == pytest.approx(np.mean(errors), rel=0.35)


@pytest.mark.slow
def test_the_expected_accuracy_is_that_of_the_normal_distribution():
    for luck in (NONE, LARGE):
        deviation = sqrt(1 + 0.25 + 0.36 + luck.spread**2)
        expected = stats.norm.cdf(SKILL / deviation)
        assert expected_score(replace(PLAIN, luck=luck)) == pytest.approx(expected, abs=0.0015)
    collapsed = 0.8 * stats.norm.cdf(SKILL / sqrt(1.61 + 0.01)) + 0.2 * 0.6  # the largest of three labels: 0.6
    assert expected_score(replace(PLAIN, luck=BIMODAL)) == pytest.approx(collapsed, abs=0.0015)


def test_equally_good_models_are_equally_good_whatever_their_luck():
    rng = np.random.default_rng(2)
    draws = [drawn(rng, replace(PLAIN, seeds=10, examples=500), [NONE, LARGE]) for _ in range(60)]
    steady, shaky = (np.array([models[place].evidence.scores for models in draws]) for place in (0, 1))
    assert steady.mean() == pytest.approx(shaky.mean(), abs=3 * shaky.mean(axis=1).std() / sqrt(60))
    assert shaky.std(axis=1).mean() > 2.5 * steady.std(axis=1).mean()


def test_examples_of_a_document_have_something_in_common():
    sizes = equal_sizes(500, 10)

    def error(chosen: tuple[int, ...] | None) -> float:
        models = drawn(np.random.default_rng(3), replace(PLAIN, examples=500, sizes=chosen, luck=NONE), [NONE] * 6)
        return float(np.mean([mean(model.evidence).standard_error for model in models]))

    (model,) = drawn(np.random.default_rng(4), replace(PLAIN, examples=500, sizes=zipf_sizes(500, 10)), [NONE])
    assert model.evidence.contributions.shape == (3, 10)
    assert model.evidence.shares is not None
    assert model.evidence.shares[0] == pytest.approx(2 * model.evidence.shares[1], rel=0.05)
    assert error(sizes) > 1.7 * error(None)


def test_sizes_are_as_a_user_gives_them():
    assert sizes_of("4", 10) == (3, 3, 2, 2)
    assert len(sizes_of("zipf", 200)) == 20
    assert sum(sizes_of("zipf:7", 200)) == 200
    for wrong in ("0", "1", "11", "zipf:11", "zpf:3", "-3", "2.5", ""):
        with pytest.raises(UserError, match=r"--groups: must be a number from 2 to 10"):
            sizes_of(wrong, 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "score", "spread"), [("accuracy", 0.7, 0.05), ("pearson", 0.6, 0.02), ("entity_f1", 0.9, 0.03)]
)
def test_a_setting_is_found_for_a_user_s_own_numbers(metric: str, score: float, spread: float):
    setting = setting_of(Numbers(metric, 10, 4000, score=score, spread=spread))
    assert expected_score(setting) == pytest.approx(score, abs=0.02)
    rng = np.random.default_rng(5)
    found = [drawn(rng, setting, [setting.luck])[0].evidence.scores.std(ddof=1) for _ in range(20)]
    assert np.mean(found) == pytest.approx(spread, rel=0.3)


@pytest.mark.slow
def test_a_spread_of_a_metric_without_a_scale_is_relative_to_the_score():
    setting = setting_of(Numbers("mean_squared_error", 10, 4000, score=50.0, spread=5.0))
    rng = np.random.default_rng(6)
    found = np.mean([drawn(rng, setting, [setting.luck])[0].evidence.scores.std(ddof=1) for _ in range(20)])
    assert found / expected_score(setting) == pytest.approx(0.1, rel=0.35)


@pytest.mark.slow
def test_of_runs_that_collapse_the_others_and_the_largest_share_are_told():
    setting = replace(PLAIN, seeds=5, examples=500, luck=BIMODAL)
    (model,) = drawn(np.random.default_rng(1), setting, [BIMODAL])
    assert model.collapsed.tolist() == [bool(score == pytest.approx(0.6, abs=0.06)) for score in model.evidence.scores]
    found = measured(setting, 60)
    assert found.without_collapsed is not None
    assert found.collapse_bound is not None
    assert found.coverage.share < 0.9 < found.without_collapsed.share
    assert found.collapse_bound.share == 1.0  # Of five runs none collapsed: up to 45 % may.
    assert measured(replace(setting, luck=SMALL), 2).collapse_bound is None


def test_every_cell_of_the_grid_can_be_drawn():
    cases = [case for section in sections() for row in section.rows.values() for case in row.values()]
    assert len(cases) > 200
    for case in cases:
        assert simulation_of(case.setting.metric) is not None
        assert not case.looks or case.looks[-1] == case.setting.seeds


@pytest.mark.slow
def test_looks_are_taken_at_their_own_levels():
    setting = replace(PLAIN, seeds=10, luck=NONE)
    at_looks, at_once = measured(setting, 60, looks=(3, 5, 10)), measured(setting, 60)
    assert 0.01 < at_looks.false_winners.share < 0.08
    assert at_looks.false_winners.share != at_once.false_winners.share
    assert at_looks.coverage.share >= at_once.coverage.share  # Wider, on the same draws.


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    first, again, other = (measured(PLAIN, 20, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.slow
def test_intervals_that_leave_the_seeds_out_do_not_cover(monkeypatch: pytest.MonkeyPatch):
    setting = replace(PLAIN, luck=LARGE)
    right = measured(setting, 60)
    assert not right.coverage.lies_clear_of(COVERAGE)
    monkeypatch.setattr(measuring, "mean", lambda model, **bounds: mean(replaced(model), **bounds))
    assert measured(setting, 60).coverage.lies_clear_of(COVERAGE)


def replaced(model: Evidence) -> Evidence:
    """The mean run alone, as if no seed changed anything."""
    return Evidence(model.scores.mean(keepdims=True), model.contributions.mean(axis=0, keepdims=True))


@pytest.mark.slow
def test_claims_from_two_runs_of_each_model_alone_are_noticed(monkeypatch: pytest.MonkeyPatch):
    setting = replace(PLAIN, luck=LARGE)
    usual = measuring.one_sided_p_values

    def without_seeds(models, typical, sign):
        certain = [Evidence(one.scores, one.contributions, deterministic=True) for one in map(replaced, models)]
        return usual(certain, typical, sign)

    monkeypatch.setattr(measuring, "one_sided_p_values", without_seeds)
    assert measured(setting, 20).false_winners.share > 0.3


def test_a_rate_says_whether_it_is_as_promised():
    assert Rate(0.05, 0.005).lies_within(FALSE_WINNERS)
    assert not Rate(0.07, 0.005).lies_within(FALSE_WINNERS)
    assert not Rate(0.07, 0.005).lies_clear_of(FALSE_WINNERS)
    assert Rate(0.08, 0.005).lies_clear_of(FALSE_WINNERS)
    assert Rate(0.01, 0.005).lies_clear_of(FALSE_WINNERS)
    assert Rate(0.0, 0.0).lies_within(FALSE_CLAIMS)


def test_a_few_draws_that_all_agree_are_not_certain():
    few, many = (measuring._rate([0.0] * draws) for draws in (20, 200))  # 0 of 20 is possible at a rate of 4 %.
    assert (few.share, few.error) == (0.0, 0.075)
    assert not few.lies_clear_of(FALSE_WINNERS)
    assert many.lies_clear_of(FALSE_WINNERS)


def test_a_score_that_no_model_can_have_is_refused():
    for metric, score, ends in (
        ("accuracy", 1.5, "0 to 100"),
        ("pearson", -1.2, "-100 to 100"),
        ("perplexity", 0.5, "1 to inf"),
    ):
        with pytest.raises(UserError, match=f"--score: .* is from {ends} "):
            setting_of(Numbers(metric, 3, 50, score=score))


def test_a_score_without_a_scale_is_refused_if_no_spread_is_there_to_compare_it_with():
    with pytest.raises(UserError, match="mean squared error has no upper bound, so only the ratio of --luck and"):
        setting_of(Numbers("mean_squared_error", 3, 50, score=3.0))


RNG = np.random.default_rng(9)
OURS, THEIRS = ((RNG.random((4, 120)) < share).astype(float) for share in (0.8, 0.7))


def test_other_tests_are_those_of_scipy():
    better, worse = int((OURS[0] > THEIRS[0]).sum()), int((OURS[0] < THEIRS[0]).sum())
    assert mcnemar(evidence(OURS), evidence(THEIRS)) == pytest.approx(
        stats.binomtest(better, better + worse).pvalue, rel=1e-9
    )
    expected = stats.ttest_ind(OURS.mean(axis=1), THEIRS.mean(axis=1), equal_var=False).pvalue
    assert welch(evidence(OURS), evidence(THEIRS)) == pytest.approx(expected, rel=1e-9)
    resampled = stats.bootstrap(
        (OURS.mean(axis=0) - THEIRS.mean(axis=0),), np.mean, method="percentile", n_resamples=4000, random_state=RNG
    )
    share = (resampled.bootstrap_distribution <= 0).mean()
    assert bootstrap(evidence(OURS), evidence(THEIRS)) == pytest.approx(2 * share, abs=0.02)


def test_the_multi_bootstrap_is_wider_than_the_bootstrap_where_seeds_differ():
    shaky = [side + np.array([[-0.2], [0.1], [0.2], [-0.1]]) for side in (OURS, THEIRS)]
    assert multi_bootstrap(*map(evidence, shaky)) > bootstrap(*map(evidence, shaky)) + 0.02
    assert multi_bootstrap(evidence(OURS), evidence(OURS)) > 0.9


def test_walds_test_takes_the_normal_quantile():
    found = random_effects(evidence(OURS), evidence(THEIRS))
    ours, theirs = OURS.mean(axis=0), THEIRS.mean(axis=0)
    examples = (ours - theirs).var(ddof=1) / 120  # the components by hand, none of the seeds' where it is below 0
    seeds = sum(side.mean(axis=1).var(ddof=1) / 4 for side in (OURS, THEIRS))
    left = sum(
        ((side - side.mean(axis=1, keepdims=True) - side.mean(axis=0) + side.mean()) ** 2).sum() / (3 * 119)
        for side in (OURS, THEIRS)
    )
    variance = examples + max(seeds - left / 480, 0)
    assert found == pytest.approx(2 * stats.norm.sf(abs(OURS.mean() - THEIRS.mean()) / sqrt(variance)), rel=1e-9)


@pytest.mark.slow
def test_what_does_not_apply_is_left_out():
    for setting in (replace(PLAIN, sizes=zipf_sizes(250, 9)), replace(PLAIN, metric="pearson")):
        one, other = drawn(np.random.default_rng(7), setting, [SMALL] * 2)
        assert mcnemar(one.evidence, other.evidence) is None
    assert "McNemar, one seed" not in measured(replace(PLAIN, metric="qa_f1"), 20, rivals=True).rivals


def table_line(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("| accuracy | "))


@pytest.mark.slow
def test_a_number_that_is_not_as_promised_is_bold_on_the_page():
    cases = {"3 seeds": Case(PLAIN), "few": Case(replace(PLAIN, luck=Luck("all", 0.1, collapse=0.5)))}
    section = Section("A title", "A text.", {"accuracy": cases}, both)
    counted = []
    table = filled(section, 30, seed=0, tick=lambda: counted.append(1))
    assert len(counted) == 60 == 30 * cells([section])
    assert table.headings == ("", "3 seeds", "few")
    text = page([table], 30, 0)
    assert "| accuracy | " in text
    assert text.count("**") % 2 == 0
    assert re.search(r" / \*\*\d", table_line(text))  # half of the runs collapse: coverage is far off
    assert " of 4 numbers" in text
    assert "harness calibrate --grid --repeats 30 --markdown" in text


def stored(section: Section, part: str, errors: Measured) -> Filled:
    """The section with the numbers of the page's part, in rows with the names that the code gives."""
    headings, _, *rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return Filled(
        section.title,
        section.text,
        ("", *(heading.strip() for heading in headings[1:])),
        tuple((name, *(cell.strip() for cell in row[1:])) for name, row in zip(section.rows, rows, strict=True)),
        (errors,),
    )


def test_the_page_of_the_documentation_has_the_whole_grid_and_the_words_of_the_code():
    text = (Path(__file__).parents[2] / "docs" / "calibration.md").read_text(encoding="utf-8")
    medians = re.search(r"are ([\d.]+) points for false winners and ([\d.]+) for coverage", " ".join(text.split()))
    assert medians is not None
    winners, coverage = (Rate(0, float(points) / 100) for points in medians.groups())
    errors = Measured(false_winners=winners, coverage=coverage, false_claims=Rate(0, 0), deviation=0)
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    tables = [stored(section, part, errors) for section, part in zip(sections(), parts, strict=True)]
    assert text == page(tables, 100, 0)


@pytest.mark.slow
@pytest.mark.parametrize("luck", [NONE, SMALL, LARGE], ids=lambda luck: luck.name)
@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "pearson", "perplexity"])
def test_a_reduced_grid_is_as_promised(name: str, luck: Luck):
    found = measured(Setting(name, 5, 250, luck), 250)
    assert not found.false_winners.lies_clear_of(FALSE_WINNERS)
    assert not found.coverage.lies_clear_of(COVERAGE)
    assert found.false_claims.lies_within(FALSE_CLAIMS)

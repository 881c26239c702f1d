"""All pairs at once say what each pair says by itself, and a p-value is the level that its definition asks for."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from made_evidence import evidence
from scipy import integrate, stats

from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.multiplicity import family_errors
from harness.comparison.p_values import SMALLEST_P, Parts, p_values
from harness.comparison.pairs import one_sided_p_values
from harness.comparison.statistics import Evidence, Part, difference


def family(rng: np.random.Generator, shares: np.ndarray | None = None, examples: int = 60) -> list[Evidence]:
    """Models of all sorts: of one seed and of several, steady and shaky, alike, all right and all wrong."""
    ease = rng.normal(size=examples)
    drawn = [
        (ease + rng.normal() + luck * rng.normal(size=(seeds, 1)) + rng.normal(size=(seeds, examples)) > 0) * 1.0
        for seeds, luck in ((3, 0.0), (3, 0.5), (5, 0.1), (2, 0.0), (1, 0.0))
    ]
    drawn += [drawn[0], np.ones((3, examples)), np.zeros((2, examples))]
    models = [evidence(right, shares=shares) for right in drawn]
    in_folds = replace(models[1], inflation=1.5)
    return [*models, evidence(drawn[0][:1], shares=shares, deterministic=True), in_folds]


def part(*variances: float, freedom: float) -> Parts:
    return Parts(np.array(variances), np.full(len(variances), freedom))


@pytest.mark.parametrize("freedom", [1.0, 2.5, 9.0, 1999.0])
def test_the_p_value_of_one_part_is_students(freedom: float):
    distances = np.array([0.01, 0.5, 1.0, 3.0, 8.0])
    found = p_values(distances, [part(*[1.0] * 5, freedom=freedom), part(*[0.0] * 5, freedom=2.0)])
    expected = np.maximum(2 * stats.t.sf(distances, freedom), SMALLEST_P)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_p_value_just_above_the_smallest_is_not_taken_for_it():
    distance = stats.norm.isf(1.5 * SMALLEST_P / 2)
    found = p_values(np.array([distance]), [part(1.0, freedom=1e15)])
    assert found[0] == pytest.approx(1.5 * SMALLEST_P, rel=1e-6)


def test_at_its_p_value_an_interval_of_two_parts_touches_zero():
    rng = np.random.default_rng(0)
    first, second = (Parts(np.exp(rng.uniform(-9, 2, 500)), rng.uniform(1, 30, 500)) for _ in range(2))
    distances = np.sqrt(first.variance + second.variance) * np.exp(rng.uniform(-3, 3, 500))
    found = p_values(distances, [first, second])
    squares = [each.variance * stats.t.ppf(found / 2, each.freedom) ** 2 for each in (first, second)]
    inside = (found > SMALLEST_P) & (found < 1)
    assert inside.mean() > 0.9
    assert np.sqrt(sum(squares))[inside] == pytest.approx(distances[inside], rel=1e-9)


def test_no_distance_is_no_evidence_and_beyond_all_is_the_smallest_p():
    found = p_values(np.array([0.0, 0.0, 1e9]), [part(1.0, 1e-4, 1.0, freedom=500.0)])
    assert found.tolist() == [1.0, 1.0, SMALLEST_P]


def test_models_with_one_score_and_other_mistakes_are_not_told_apart():
    rng = np.random.default_rng(3)
    right = (rng.random((3, 400)) < 0.8).astype(float)
    models = [evidence(right), evidence(rng.permutation(right, axis=1))]
    assert difference(*models).value == 0
    assert difference(*models).p_value == 1
    assert one_sided_p_values(models, None, 1)[0, 1] == 0.5


@pytest.mark.slow_but_first
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("grouped", [False, True])
def test_all_pairs_at_once_are_as_each_by_itself(sign: int, grouped: bool):
    rng = np.random.default_rng(7)
    models = family(rng, rng.dirichlet(np.full(60, 2.0)) if grouped else None)
    for shared in (Part(0.01, 6.0), None):
        found = one_sided_p_values(models, shared, sign)
        for i, ours in enumerate(models):
            for j, theirs in enumerate(models):
                alone = difference(ours, theirs, typical=shared)
                if i == j or alone.p_value is None:
                    assert np.isnan(found[i, j])
                else:
                    better = alone.p_value / 2 if sign * alone.value > 0 else 1 - alone.p_value / 2
                    assert found[i, j] == pytest.approx(better, rel=1e-9)
        assert np.isnan(found[4]).all()  # one seed
        clusters = int(models[0].effective_clusters + 1e-9)
        winner, loser = (6, 7) if sign > 0 else (7, 6)
        assert found[winner, loser] == pytest.approx(2.0**-clusters)  # all right against all wrong: half of 2 / 2^m


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.5, 0.25, 0.25]])  # The latter are 8/3 clusters' worth.
def test_two_clusters_worth_of_examples_can_be_tested(shares: list[float]):
    rng = np.random.default_rng(4)
    models = [evidence(rng.random((3, len(shares))), shares=np.array(shares)) for _ in range(2)]
    alone = difference(*models)
    assert alone.p_value is not None
    assert min(one_sided_p_values(models, None, 1)[[0, 1], [1, 0]]) == pytest.approx(alone.p_value / 2, rel=1e-9)


def test_one_cluster_that_is_nearly_everything_tests_nothing():
    right = np.random.default_rng(1).random((3, 4)).round()
    models = [
        evidence(right, shares=np.array([0.97, 0.01, 0.01, 0.01])),
        evidence(1 - right, shares=np.array([0.97, 0.01, 0.01, 0.01])),
    ]
    assert np.isnan(one_sided_p_values(models, None, 1)).all()


def test_models_on_another_basis_are_a_family_of_their_own():
    models = family(np.random.default_rng(2))
    tested = {
        f"{basis}-{number}": ScoredModel(model, (basis, None))
        for basis in ("one", "other")
        for number, model in enumerate(models)
    }
    claims = claims_about(tested, list(tested), 1)
    assert claims.difference("one-0", "other-1").estimate is None
    behind = {name: claims.beaten_by(name) for name in tested}
    assert any(behind.values())
    assert all(name.split("-")[0] == winner.split("-")[0] for name, winners in behind.items() for winner in winners)


@pytest.mark.slow_but_first
@pytest.mark.parametrize(("tied", "models"), [(2, 2), (1, 6), (6, 6), (40, 200), (200, 200)])
def test_the_family_s_error_is_its_integral(tied: int, models: int):
    levels = np.array([1e-8, 1e-5, 1e-3, 0.02, 0.2])
    for level, found in zip(levels, family_errors(levels, tied, models), strict=True):
        shift = stats.norm.isf(level) * sqrt(2)

        def none_ahead(least: float, shift: float = shift) -> float:
            above = stats.norm.cdf(least + shift)
            within = above - stats.norm.cdf(least)
            return tied * stats.norm.pdf(least) * within ** (tied - 1) * above ** (models - tied)

        expected = 1 - integrate.quad(none_ahead, -9, 9, epsabs=1e-13, limit=400, points=[-3, 0])[0]
        assert found == pytest.approx(max(expected, level), abs=1e-11)

"""What is taken of a task's models from one family of comparisons."""

from dataclasses import replace

import numpy as np
import pytest

from harness.comparison.claims import Claims, ScoredModel, claims_about
from harness.comparison.effects import Flips, Within, run_wins
from harness.comparison.statistics import Evidence, difference


def scored(*scores: float, basis: str = "words", **known: object) -> ScoredModel:
    """Runs with such scores, whose answers to 40 test examples differ a little."""
    moved = np.resize([0.1, -0.1], 40) * np.linspace(1, 2, len(scores))[:, None] / 40
    return ScoredModel(Evidence(np.array(scores), moved), ("test", basis), **known)


PERPLEXITIES = {
    "best": scored(20.0, 20.1, 20.2),
    "worst": scored(30.0, 30.3, 30.1),
    "by letters": scored(2.0, 2.1, 2.2, basis="letters"),
    "one seed": scored(90.0),
    "aside": scored(50.0, 50.2, 50.1),
}


@pytest.fixture(scope="module")
def claims() -> Claims:
    return claims_about(PERPLEXITIES, ["best", "worst", "by letters", "one seed"], -1)


def test_a_difference_has_the_p_value_of_the_side_that_is_ahead(claims: Claims):
    ours, theirs = claims.difference("best", "worst"), claims.difference("worst", "best")
    assert claims.beaten_by("worst") == ("best",)
    assert ours.adjusted_p == theirs.adjusted_p == claims.p_behind("worst")["best"] < 0.01
    assert (ours.gain, theirs.gain) == (pytest.approx(10 + 1 / 30), pytest.approx(-10 - 1 / 30))
    expected = difference(PERPLEXITIES["best"].evidence, PERPLEXITIES["worst"].evidence, typical=claims.typical)
    assert ours.estimate == expected


def test_nothing_is_shown_of_models_outside_of_the_family_or_with_one_seed(claims: Claims):
    assert [model for model in PERPLEXITIES if claims.is_compared(model)] == ["best", "worst"]
    assert claims.difference("best", "aside").adjusted_p is None
    assert claims.difference("one seed", "best").adjusted_p is None


def test_scores_per_word_and_per_letter_have_no_difference(claims: Claims):
    apart = claims.difference("best", "by letters")
    assert (apart.estimate, apart.adjusted_p, apart.gain) == (None, None, None)


@pytest.mark.parametrize("mixed", ["best", "worst"])
def test_a_difference_from_partly_collapsed_runs_has_no_interval(mixed: str):
    models = {**PERPLEXITIES, mixed: replace(PERPLEXITIES[mixed], is_mixed=True)}
    claims = claims_about(models, ["best", "worst"], -1)
    found = claims.difference("best", "worst").estimate
    assert (found.low, found.high) == (None, None)
    assert found.value == pytest.approx(-10 - 1 / 30)
    assert claims.difference("aside", "best" if mixed == "worst" else "worst").estimate.low is not None


def test_a_difference_is_told_with_the_sizes_that_are_known_of_both_models():
    models = {
        **PERPLEXITIES,
        "mixed": replace(PERPLEXITIES["aside"], is_mixed=True),
        "best": replace(PERPLEXITIES["best"], values=[np.array([1.0, 2.0])]),
        "worst": replace(PERPLEXITIES["worst"], values=[np.array([2.0, 1.5])]),
    }
    claims = claims_about(models, ["best", "worst", "mixed"], -1)
    within = Within(not_worse_p=0.01, not_better_p=0.5)
    told = claims.difference("best", "worst", within)
    assert told.run_wins == run_wins(models["best"].evidence, models["worst"].evidence, -1)
    assert (told.flips, told.within) == (Flips(won=1.0, lost=1.0), within)
    for pair in (("best", "mixed"), ("mixed", "best")):
        found = claims.difference(*pair)
        assert (found.run_wins, found.flips, found.within) == (None, None, None)
    assert claims.difference("best", "by letters").estimate is None
    assert claims.difference("best", "best") is None


def test_two_models_are_all_that_a_claim_takes():
    shares = {"worse": scored(0.70, 0.71, 0.705), "better": scored(0.90, 0.91, 0.915)}
    claims = claims_about(shares, ["worse", "better"], 1)
    found = claims.difference("better", "worse")
    assert claims.beaten_by("worse") == ("better",)
    assert found.adjusted_p == claims.difference("worse", "better").adjusted_p < 0.01

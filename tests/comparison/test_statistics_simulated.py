"""The method carries its own proof: models of equal true accuracy, drawn again and again.

An answer is right where a model's skill plus the example's ease (shared by all models and of its own), the seed's luck
and some noise is above 0; so the true accuracy is known: Phi(skill / the deviation of the sum).
"""

import numpy as np
import pytest
from made_evidence import evidence
from scipy.stats import norm

from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.statistics import Evidence, difference, mean
from harness.metrics.influence import macro_f1

SKILL, SHARED, OWN, NOISE = 1.1, 1.0, 0.5, 0.6
STEADY, SHAKY = 0.0, 0.4
FAMILY_EXAMPLES = 2000


def draw(rng: np.random.Generator, shared: np.ndarray, seeds: int, luck: float, more: float = 0.0) -> np.ndarray:
    """Whether each answer is right [seeds, examples], with `more` skill."""
    own = OWN * rng.normal(size=len(shared))
    drawn = luck * rng.normal(size=(seeds, 1)) + NOISE * rng.normal(size=(seeds, len(shared)))
    return (SKILL + more + SHARED * shared + own + drawn > 0).astype(float)


def rates(repeats: int, seeds: int, luck: float, examples: int = 250) -> tuple[float, float]:
    """How often a winner is declared where there is none, and how often the interval holds the true accuracy."""
    rng = np.random.default_rng([seeds, int(100 * luck), 1])
    truth = norm.cdf(SKILL / np.sqrt(SHARED**2 + OWN**2 + NOISE**2 + luck**2))
    false_alarms = covered = 0
    for _ in range(repeats):
        shared = rng.normal(size=examples)
        ours, theirs = (evidence(draw(rng, shared, seeds, luck)) for _ in range(2))
        false_alarms += difference(ours, theirs).p_value < 0.05
        found = mean(ours)
        covered += found.low <= truth <= found.high
    return false_alarms / repeats, covered / repeats


@pytest.mark.slow
@pytest.mark.parametrize("luck", [STEADY, SHAKY])
def test_errors_and_coverage_are_as_promised(luck: float):
    false_alarms, coverage = rates(1200, seeds=5, luck=luck)
    assert 0.03 < false_alarms < 0.065
    assert 0.93 < coverage < 0.97


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("luck", [STEADY, 0.1, SHAKY])
def test_errors_and_coverage_are_as_promised_for_other_seeds_too(seeds: int, luck: float):
    false_alarms, coverage = rates(6000, seeds=seeds, luck=luck)
    assert 0.03 < false_alarms < 0.065
    assert 0.93 < coverage < 0.97


@pytest.mark.slow
def test_the_interval_of_macro_f1_covers_the_score_of_a_large_population():
    rng = np.random.default_rng(8)
    share, table = np.array([0.6, 0.3, 0.1]), np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.2, 0.5]])

    def scored(examples: int) -> tuple[float, np.ndarray]:
        references = rng.choice(3, examples, p=share)
        predictions = (rng.random((examples, 1)) > table[references].cumsum(axis=1)).sum(axis=1)
        return macro_f1(np.eye(3)[references], np.eye(3)[predictions])

    truth, _ = scored(2_000_000)
    covered = 0
    for _ in range(2000):
        score, influences = scored(300)
        found = mean(Evidence(np.array([score]), influences[None] / 300))
        covered += found.low <= truth <= found.high
    assert 0.93 < covered / 2000 < 0.97


def families(repeats: int, lucks: list[float], better: float = 0.0) -> tuple[float, float]:
    """How often a model of a family is wrongly said to be behind, and how often the better one is found alone."""
    rng = np.random.default_rng([len(lucks), int(100 * sum(lucks)), int(100 * better)])
    names = [f"model-{number}" for number in range(len(lucks))]
    wrong = alone = 0
    for _ in range(repeats):
        shared = rng.normal(size=FAMILY_EXAMPLES)
        tested = {}
        for number, (name, luck) in enumerate(zip(names, lucks, strict=True)):
            # Luck spreads the skill, and so costs accuracy: as much skill is added as keeps all true accuracies equal.
            scale = np.sqrt((SHARED**2 + OWN**2 + NOISE**2 + luck**2) / (SHARED**2 + OWN**2 + NOISE**2))
            skill = SKILL * (scale - 1) + (better if number == 0 else 0.0)
            tested[name] = ScoredModel(evidence(draw(rng, shared, 3, luck, skill)), ("the test set", None))
        claims = claims_about(tested, names, 1)
        behind = {name for name in names if claims.beaten_by(name)}
        wrong += bool(behind & ({names[0]} if better else set(names)))
        alone += behind == set(names[1:])
    return wrong / repeats, alone / repeats


@pytest.mark.slow
@pytest.mark.parametrize(
    "lucks",
    [
        [0.0] * 6,
        [0.05] * 6,
        [0.1] * 6,
        [0.4] * 6,
        [0.4, *[0.05] * 5],
        [0.2, 0.2, *[0.05] * 4],
        [0.4, 0.2, 0.1, 0, 0, 0],
    ],
    ids=["none", "small", "middle", "large", "one shaky", "two shaky", "mixed"],
)
def test_of_six_equally_good_models_one_in_twenty_families_at_most_is_told_apart(lucks: list[float]):
    wrong, _ = families(500, lucks)
    assert wrong < 0.065


@pytest.mark.slow
def test_a_better_model_is_found():
    wrong, alone = families(200, [0.0] * 6, better=0.2)
    assert wrong == 0
    assert alone > 0.65

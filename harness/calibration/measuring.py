"""How often the shipped functions err: equally good models, drawn again and again, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from zlib import crc32

import numpy as np

from harness.calibration.draws import drawn, expected_score
from harness.calibration.rivals import RIVALS
from harness.calibration.setting import Luck, Setting
from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.pairs import one_sided_p_values
from harness.comparison.statistics import SIGNIFICANCE, Evidence, mean
from harness.metrics.lookup import unit_of

MODELS = 6
"""In one draw: fifteen pairs, six intervals, one family of claims."""
FALSE_WINNERS, FALSE_CLAIMS, COVERAGE = (0.03, 0.065), (0.0, 0.065), (0.93, 0.97)
"""What is as promised, nominally 5 %, at most 5 % and 95 %."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened.

    Attributes:
        share: As a share of all cases.
        error: Its standard error, over draws; the cases of one draw are not independent.
    """

    share: float
    error: float

    def lies_within(self, bounds: tuple[float, float]) -> bool:
        """Whether it is as promised."""
        return bounds[0] <= self.share <= bounds[1]

    def lies_clear_of(self, bounds: tuple[float, float]) -> bool:
        """Whether it is not as promised, by more than two standard errors."""
        return self.share + 2 * self.error < bounds[0] or self.share - 2 * self.error > bounds[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What happened in one setting.

    Attributes:
        false_winners: How often one of two equally good models was called better than the other, unadjusted.
        coverage: How often the interval of a score held the expected score.
        false_claims: How often anything was claimed of the six models together.
        deviation: Standard deviation of a model's score over seeds, in the metric's natural unit.
        rivals: How often other tests called one of two models better, by their name; those that apply.
    """

    false_winners: Rate
    coverage: Rate
    false_claims: Rate
    deviation: float
    rivals: Mapping[str, Rate] = field(default_factory=dict)


def measured(
    setting: Setting,
    draws: int,
    *,
    lucks: Sequence[Luck] | None = None,
    seed: int = 0,
    rivals: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> Measured:
    """Draw equally good models again and again.

    Args:
        setting: What is drawn.
        draws: How often.
        lucks: Each model's; default: the setting's for all of them.
        seed: Of the draws: the same seed gives the same numbers.
        rivals: Whether other tests are tried as well.
        tick: Called after every draw.
    """
    lucks = tuple(lucks or [setting.luck] * MODELS)
    rng = np.random.default_rng([seed, crc32(repr((setting, lucks)).encode())])  # Each setting has draws of its own.
    truth = expected_score(setting)
    found: dict[str, list[float]] = {}
    for _ in range(draws):
        models = drawn(rng, setting, lucks)
        for name, share in _said(models, setting.metric, truth, rivals=rivals).items():
            found.setdefault(name, []).append(share)
        tick()
    rates = {name: _rate(shares) for name, shares in found.items()}
    return Measured(
        false_winners=rates.pop("winners"),
        coverage=rates.pop("covered"),
        false_claims=rates.pop("claims"),
        deviation=sqrt(rates.pop("variance").share),
        rivals=rates,
    )


def _said(models: Sequence[Evidence], metric: str, truth: float, *, rivals: bool) -> dict[str, float]:
    """Of one draw: the share of pairs told apart, that of intervals that hold the truth, and so on."""
    unit = unit_of(metric)
    p_values = one_sided_p_values(models, None, 1)
    intervals = [mean(model, least=unit.least, most=unit.most) for model in models]
    pairs = list(zip(models[::2], models[1::2], strict=True))
    return {
        "winners": float(2 * (p_values < SIGNIFICANCE / 2).sum() / (len(models) * (len(models) - 1))),
        "covered": float(np.mean([_holds(found.low, truth, found.high) for found in intervals])),
        "claims": float(_anything_is_claimed(models)),
        "variance": float(np.mean([model.scores.var(ddof=1) if len(model.scores) > 1 else 0.0 for model in models])),
        **(_of_rivals(pairs) if rivals else {}),
    }


def _holds(low: float | None, value: float, high: float | None) -> bool:
    return low is not None and high is not None and low <= value <= high


def _of_rivals(pairs: Sequence[tuple[Evidence, Evidence]]) -> dict[str, float]:
    """The share of pairs that each other test tells apart."""
    found = {}
    for name, test in RIVALS.items():
        known = [p for one, other in pairs if (p := test(one, other)) is not None]
        if known:
            found[name] = float(np.mean([p < SIGNIFICANCE for p in known]))
    return found


def _anything_is_claimed(models: Sequence[Evidence]) -> bool:
    """Whether any model is said to be ahead of any other, in the family of all."""
    tested = {f"model-{number}": ScoredModel(model, ("test set", None)) for number, model in enumerate(models)}
    claims = claims_about(tested, list(tested), 1)
    return any(claims.beaten_by(name) for name in tested)


def _rate(shares: Sequence[float]) -> Rate:
    return Rate(float(np.mean(shares)), float(np.std(shares) / sqrt(len(shares))))

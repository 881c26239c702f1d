"""Measure how often the shipped functions err on equally good models, drawn again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from zlib import crc32

import numpy as np

from harness.calibration.draws import Drawn, drawn, expected_score
from harness.calibration.rivals import RIVALS
from harness.calibration.setting import Luck, Setting
from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.collapse import most_that_collapse
from harness.comparison.pairs import one_sided_p_values
from harness.comparison.statistics import SIGNIFICANCE, Evidence, mean
from harness.metrics.lookup import unit_of
from harness.suites.seeds import look_levels

MODELS = 6
"""Models per draw: fifteen pairs, six intervals, one family of claims."""
FALSE_WINNERS, FALSE_CLAIMS, COVERAGE = (0.03, 0.065), (0.0, 0.065), (0.93, 0.97)
"""The promised ranges: nominally 5 %, at most 5 %, and 95 %."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened.

    Attributes:
        share: The fraction of all cases.
        error: The standard error over draws, since the cases of a draw are not independent.
    """

    share: float
    error: float

    def lies_within(self, bounds: tuple[float, float]) -> bool:
        """Return whether the rate is in the promised range."""
        return bounds[0] <= self.share <= bounds[1]

    def lies_clear_of(self, bounds: tuple[float, float]) -> bool:
        """Return whether the rate is outside the promised range by more than two standard errors."""
        return self.share + 2 * self.error < bounds[0] or self.share - 2 * self.error > bounds[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The results of one setting.

    Attributes:
        false_winners: How often one of two equally good models was called better than the other, unadjusted, at any of
            the looks.
        coverage: How often the interval of a score contained the expected score, at the last look.
        false_claims: How often anything was claimed about the six models together, at any of the looks.
        deviation: Standard deviation of a model's score over seeds, in the metric's natural unit.
        without_collapsed: For models with some collapsed runs, how often the interval of the other runs' score
            contained the expected score of runs that do not collapse; None if no model has any.
        collapse_bound: How often the upper bound of the fraction of collapsing runs was at least the true one; None if
            no runs collapse.
        rivals: How often other tests called one of two models better, by test, for the tests that apply.
    """

    false_winners: Rate
    coverage: Rate
    false_claims: Rate
    deviation: float
    without_collapsed: Rate | None = None
    collapse_bound: Rate | None = None
    rivals: Mapping[str, Rate] = field(default_factory=dict)


def measured(
    setting: Setting,
    draws: int,
    *,
    lucks: Sequence[Luck] | None = None,
    looks: Sequence[int] = (),
    seed: int = 0,
    rivals: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> Measured:
    """Draw equally good models again and again.

    Args:
        setting: The setting.
        draws: Number of draws.
        lucks: The luck of each model; default: the setting's for all.
        looks: The numbers of seeds at successive looks, at levels that hold for all looks together; default: one look
            at all seeds.
        seed: The random seed of the draws.
        rivals: Whether to run other tests as well.
        tick: Called after every draw.
    """
    lucks = tuple(lucks or [setting.luck] * MODELS)
    rng = np.random.default_rng([seed, crc32(repr((setting, lucks)).encode())])  # Every setting has its own draws.
    truth = expected_score(setting)
    levels = look_levels(tuple(looks)) if looks else (SIGNIFICANCE,)
    planned = dict(zip(looks or (setting.seeds,), levels, strict=True))
    found: dict[str, list[float]] = {}
    for _ in range(draws):
        models = drawn(rng, setting, lucks)
        said = _said(models, setting.metric, truth, planned) | _said_of_collapsed(models, setting)
        if rivals:
            said |= _of_rivals(
                [(one.evidence, other.evidence) for one, other in zip(models[::2], models[1::2], strict=True)]
            )
        for name, share in said.items():
            found.setdefault(name, []).append(share)
        tick()
    rates = {name: _rate(shares) for name, shares in found.items()}
    return Measured(
        false_winners=rates.pop("winners"),
        coverage=rates.pop("covered"),
        false_claims=rates.pop("claims"),
        deviation=sqrt(rates.pop("variance").share),
        without_collapsed=rates.pop("without collapsed", None),
        collapse_bound=rates.pop("bound", None),
        rivals=rates,
    )


def _said(models: Sequence[Drawn], metric: str, truth: float, planned: Mapping[int, float]) -> dict[str, float]:
    """Return the results of one draw: the fraction of pairs told apart, of intervals that contain the truth, and so on.

    Args:
        models: The drawn models.
        metric: The name of the metric.
        truth: The expected score over all seeds and examples.
        planned: The level of each look, by its number of seeds.
    """
    unit, count = unit_of(metric), len(models)
    apart, claims = np.zeros((count, count), dtype=bool), False
    for seeds, level in planned.items():
        seen = [model.first(seeds) for model in models]
        apart |= one_sided_p_values(seen, None, 1) < level / 2
        constant = [int(model.collapsed[:seeds].sum()) for model in models]
        claims = claims or _anything_is_claimed(seen, constant, level)
    intervals = [mean(model, least=unit.least, most=unit.most, miss=level) for model in seen]
    return {
        "winners": float(2 * apart.sum() / (count * (count - 1))),
        "covered": float(np.mean([_holds(found.low, truth, found.high) for found in intervals])),
        "claims": float(claims),
        "variance": float(np.mean([model.scores.var(ddof=1) if len(model.scores) > 1 else 0.0 for model in seen])),
    }


def _said_of_collapsed(models: Sequence[Drawn], setting: Setting) -> dict[str, float]:
    """Return how often the results reported in place of an interval over all runs are right; empty if none collapse."""
    if not setting.luck.collapse:
        return {}
    unit = unit_of(setting.metric)
    bounds = [most_that_collapse(int(one.collapsed.sum()), len(one.collapsed)) for one in models]
    found = {"bound": float(np.mean([bound >= setting.luck.collapse for bound in bounds]))}
    truth = expected_score(replace(setting, luck=replace(setting.luck, collapse=0.0)))
    mixed = [one.of(~one.collapsed) for one in models if 0 < one.collapsed.sum() < len(one.collapsed) - 1]
    held = [
        _holds(interval.low, truth, interval.high)
        for interval in (mean(evidence, least=unit.least, most=unit.most) for evidence in mixed)
    ]
    return found | ({"without collapsed": float(np.mean(held))} if held else {})


def _holds(low: float | None, value: float, high: float | None) -> bool:
    return low is not None and high is not None and low <= value <= high


def _of_rivals(pairs: Sequence[tuple[Evidence, Evidence]]) -> dict[str, float]:
    """Return the fraction of pairs that each other test tells apart."""
    found = {}
    for name, test in RIVALS.items():
        known = [p for one, other in pairs if (p := test(one, other)) is not None]
        if known:
            found[name] = float(np.mean([p < SIGNIFICANCE for p in known]))
    return found


def _anything_is_claimed(models: Sequence[Evidence], constant_runs: Sequence[int], level: float) -> bool:
    """Return whether any model is said to be ahead of any other, in the family of all."""
    tested = {
        f"model-{number}": ScoredModel(model, ("test set", None), constant_runs=runs)
        for number, (model, runs) in enumerate(zip(models, constant_runs, strict=True))
    }
    claims = claims_about(tested, list(tested), 1, level=level)
    return any(claims.beaten_by(name) for name in tested)


def _rate(shares: Sequence[float]) -> Rate:
    """Return the rate. If all draws agree, two standard errors are the rule of three (Hanley and Lippman-Hand 1983)."""
    error = float(np.std(shares) / sqrt(len(shares)))
    return Rate(float(np.mean(shares)), error or 1.5 / len(shares))

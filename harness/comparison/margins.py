"""Which models are shown not to be worse than others by a margin or more.

Two one-sided tests (Schuirmann 1987): a model is not worse if "worse by the margin or more" is rejected, that is, if
the lower end of the two-sided 90 % interval is above minus the margin; and equivalent if "better by the margin or more"
is rejected as well. "Not worse than any other model" needs the rejection against every other one, so no adjustment for
their number is needed (Berger 1982). Models with collapsed runs are left out.

All such claims about a task form one family, adjusted by step-down (Holm 1979). A model can't be both worse and better
by the margin, so those two hypotheses count as one (Shaffer 1986).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.comparison.claims import Claims, ScoredModel
from harness.comparison.effects import Within
from harness.comparison.statistics import SIGNIFICANCE, difference

WORSE, BETTER, BEHIND = "worse than the baseline", "better than the baseline", "behind another model"
"""The hypotheses to reject, each by the margin or more."""
Hypothesis = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WithinMargin:
    """The results for a task's models.

    Attributes:
        from_baseline: Per model, the comparison with the baseline.
        near_best: Per model, whether it is not worse than any other tested model by the margin or more.
    """

    from_baseline: Mapping[str, Within] = field(default_factory=dict)
    near_best: Mapping[str, bool] = field(default_factory=dict)


def within_margin(claims: Claims, margin: float, baseline: str | None) -> WithinMargin:
    """Test the models of a task's family with `margin` in the metric's natural unit."""
    family = [model for model in claims.ahead.models if claims.is_compared(model) and _has_spread(claims.models[model])]
    p_values: dict[Hypothesis, float] = {}
    for model in family:
        if baseline in family and model != baseline:
            for kind, pair in ((WORSE, (model, baseline)), (BETTER, (baseline, model))):
                found = falls_short(claims, *pair, margin)
                if found is not None:
                    p_values[model, kind] = found
        p_values[model, BEHIND] = _behind_any(claims, model, family, margin)
    looks = SIGNIFICANCE / claims.level  # So that 0.05 corresponds to the level of a sequential look.
    adjusted = {hypothesis: min(1.0, looks * p) for hypothesis, p in step_down(p_values).items()}
    return WithinMargin(
        {
            model: Within(not_worse_p=p, not_better_p=adjusted[model, BETTER])
            for (model, kind), p in adjusted.items()
            if kind == WORSE
        },
        {model: p < SIGNIFICANCE for (model, kind), p in adjusted.items() if kind == BEHIND},
    )


def _has_spread(model: ScoredModel) -> bool:
    """Whether the runs are of one kind. If some collapsed, no interval holds, and collapsed runs are all alike."""
    return not model.is_mixed and not model.constant_runs


def falls_short(claims: Claims, model: str, other: str, margin: float) -> float | None:
    """The one-sided p-value of `model` being worse than `other` by `margin` or more; None if it can't be tested."""
    ours, theirs = claims.models[model], claims.models[other]
    if ours.basis != theirs.basis:
        return None
    null = -claims.sign * margin
    found = difference(ours.evidence, theirs.evidence, typical=claims.typical, null=null)
    if found.p_value is None:
        return None
    return found.p_value / 2 if claims.sign * (found.value - null) > 0 else 1 - found.p_value / 2


def step_down(p_values: Mapping[Hypothesis, float]) -> dict[Hypothesis, float]:
    """The adjusted p-values: each times the number of remaining hypotheses that can be true together."""
    order = sorted(p_values, key=lambda hypothesis: p_values[hypothesis])
    adjusted, running = {}, 0.0
    for step, hypothesis in enumerate(order):
        left = {(model, kind == BEHIND) for model, kind in order[step:]}
        running = max(running, min(1.0, len(left) * p_values[hypothesis]))
        adjusted[hypothesis] = running
    return adjusted


def _behind_any(claims: Claims, model: str, family: Sequence[str], margin: float) -> float:
    """The p-value of `model` being worse than some other one by the margin or more: the largest of all.

    The search stops at one that is too large; the models with the best scores come first, because they decide most
    often.
    """
    others = [other for other in family if other != model]
    others.sort(key=lambda other: -claims.sign * float(claims.models[other].evidence.scores.mean()))
    largest: float | None = None
    for other in others:
        found = falls_short(claims, model, other, margin)
        if found is not None:
            largest = max(found, largest or 0.0)
            if largest >= SIGNIFICANCE:
                break
    return 1.0 if largest is None else largest

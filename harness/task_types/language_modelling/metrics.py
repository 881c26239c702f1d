"""Metrics of language modelling: perplexities and bits, over all texts together.

A document's reference is its size, {"bytes": of UTF-8, "characters"}. Its prediction is its cost: {"nats",
"tokens"} if each token is predicted from those before it, {"masked_nats", "masked_tokens"} if each is masked in turn
and predicted from both sides, which is easier. The other costs of a model are None, and their scores NaN.

Sources: perplexity and bits per character, Dai et al. 2019, section 4; pseudo-perplexity, Salazar et al. 2020, "Masked
Language Model Scoring", section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.metrics.columns import fields
from harness.metrics.influence import ratio as ratio_of_sums
from harness.metrics.metric import NUMBER, Floats, Influence, Metric, Scored, Unit
from harness.task_types.probabilities import perplexity

SIZES = ("bytes", "characters")
COSTS = ("nats", "tokens", "masked_nats", "masked_tokens")


@dataclass(frozen=True)
class Ratio:
    """The cost of all documents together, per unit.

    Attributes:
        nats: The name of the cost.
        units: The name of the size, or of the number of tokens among the costs.
        exponential: Whether the score is a perplexity, the number of equally likely tokens with the same
            uncertainty. Otherwise it is in bits.
    """

    nats: str
    units: str
    exponential: bool = False

    def __call__(self, references: Sequence[Any], predictions: Sequence[Any], labels: Sequence[str] = ()) -> float:
        """Compute the ratio of the sums; NaN if a document lacks the cost."""
        rows = [{**size, **cost} for size, cost in zip(references, predictions, strict=True)]
        if any(row[name] is None for row in rows for name in (self.nats, self.units)):
            return math.nan
        nats, units = (sum(float(row[name]) for row in rows) for name in (self.nats, self.units))
        return self.of(nats, units)

    def of(self, nats: float, units: float) -> float:
        """Compute the score from a sum of nats and a sum of units."""
        return perplexity(nats / units) if self.exponential else nats / units / math.log(2)


def size(text: str) -> dict[str, int]:
    """Return a document's reference."""
    return {"bytes": len(text.encode("utf-8", "surrogatepass")), "characters": len(text)}


RATIOS: Mapping[str, Ratio] = {
    "perplexity": Ratio("nats", "tokens", exponential=True),
    "bits_per_byte": Ratio("nats", "bytes"),
    "bits_per_character": Ratio("nats", "characters"),
    "pseudo_perplexity": Ratio("masked_nats", "masked_tokens", exponential=True),
    "pseudo_bits_per_byte": Ratio("masked_nats", "bytes"),
}


def costs_influence(ratio: Ratio) -> Influence:
    """Return the influence function of bits or a perplexity of documents; NaN if a cost is missing."""

    def influence(references: Any, predictions: Any, _labels: Sequence[str]) -> Scored:
        sizes, costs = fields(references, SIZES), fields(predictions, COSTS)
        named = dict(zip((*SIZES, *COSTS), [*sizes.T, *costs.T], strict=True))
        return scored_costs(ratio, named[ratio.nats], named[ratio.units])

    return influence


def scored_costs(ratio: Ratio, nats: Floats, units: Floats) -> Scored:
    """Compute the score and the documents' influences from the nats and the units of each document [documents]."""
    if np.isnan(nats + units).any():
        return float("nan"), np.full(len(nats), np.nan)
    found, influences = ratio_of_sums(nats[:, None], units[:, None])
    score = ratio.of(float(found[0]), 1.0)
    return score, influences[:, 0] * (score if ratio.exponential else 1 / np.log(2))


def _metric(name: str, **more: Any) -> Metric:
    ratio = RATIOS[name]
    unit = Unit(1, 2, 1.0) if ratio.exponential else Unit(1, 3, 0.0)
    form = (dict.fromkeys(COSTS, NUMBER), dict.fromkeys(SIZES, NUMBER))
    influence = costs_influence(ratio)
    units = ratio.units if ratio.units in COSTS else ""
    return Metric(name, ratio, False, influence=influence, unit=unit, form=form, partial=True, units=units, **more)


METRICS = (
    _metric("perplexity", alternative="pseudo_perplexity"),
    _metric("bits_per_byte", alternative="pseudo_bits_per_byte"),
    _metric("bits_per_character", alternative="pseudo_bits_per_byte"),
    _metric("pseudo_perplexity", title="pseudo-perplexity"),
    _metric("pseudo_bits_per_byte", title="pseudo-bits per byte"),
)

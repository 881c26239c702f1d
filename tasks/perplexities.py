"""How well texts were foretold: perplexities and bits, over all of them together.

A document's reference is its size, {"bytes": of UTF-8, "characters"}. Its prediction is what it cost: {"nats",
"tokens"} where each token was foretold from those before it, {"masked_nats", "masked_tokens"} where each was hidden in
turn and foretold from both sides, which is easier. What a model doesn't do is None, and a score of it no number.

Sources: perplexity and bits a character, Dai et al. 2019, section 4; pseudo-perplexity, Salazar et al. 2020, "Masked
Language Model Scoring", section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_NATS = 700.0  # whose exponential is a number still
SIZES = ("bytes", "characters")
COSTS = ("nats", "tokens", "masked_nats", "masked_tokens")


@dataclass(frozen=True)
class Ratio:
    """What all documents cost together, by what there was of them.

    Attributes:
        nats: Which of the costs.
        units: Which of the sizes, or of the costs' numbers of tokens.
        exponential: Whether it is a perplexity: how many equally likely tokens leave as much to guess. Else bits.
    """

    nats: str
    units: str
    exponential: bool = False

    def __call__(self, references: Sequence[Any], predictions: Sequence[Any], labels: Sequence[str] = ()) -> float:
        """The ratio of the sums; not a number where a document lacks the cost."""
        rows = [{**size, **cost} for size, cost in zip(references, predictions, strict=True)]
        if any(row[name] is None for row in rows for name in (self.nats, self.units)):
            return math.nan
        nats, units = (sum(float(row[name]) for row in rows) for name in (self.nats, self.units))
        return self.of(nats, units)

    def of(self, nats: float, units: float) -> float:
        """The score of a sum of nats over a sum of units."""
        return exponential(nats / units) if self.exponential else nats / units / math.log(2)


def exponential(mean: float) -> float:
    """The perplexity of a mean of nats; infinite where that is no number of a machine's."""
    return math.inf if mean > MOST_NATS else math.exp(mean)


def size(text: str) -> dict[str, int]:
    """A document's reference."""
    return {"bytes": len(text.encode("utf-8", "surrogatepass")), "characters": len(text)}


RATIOS: Mapping[str, Ratio] = {
    "perplexity": Ratio("nats", "tokens", exponential=True),
    "bits_per_byte": Ratio("nats", "bytes"),
    "bits_per_character": Ratio("nats", "characters"),
    "pseudo_perplexity": Ratio("masked_nats", "masked_tokens", exponential=True),
    "pseudo_bits_per_byte": Ratio("masked_nats", "bytes"),
}
# Of each score the one of models that foretell from both sides, where the score is of those that read left to right.
MASKED = {
    "perplexity": "pseudo_perplexity",
    "bits_per_byte": "pseudo_bits_per_byte",
    "bits_per_character": "pseudo_bits_per_byte",
}

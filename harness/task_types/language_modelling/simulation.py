"""Simulated documents of many lengths, whose tokens cost fewer nats the better a run is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.metrics.metric import Floats, Scored
from harness.task_types.language_modelling.metrics import RATIOS, SIZES, Ratio, scored_costs
from harness.task_types.simulated import Generator, Simulation

TOKENS, SPREAD = 400.0, 0.6
"""Tokens per document: the median, and the standard deviation of the logarithm."""
BYTES, NATS, SLOPE = 4.2, 3.6, 0.08
"""Per token; and how fast the logarithm of the nats falls with quality."""
CHANCE = 1.5
"""The standard deviation of one token's nats."""


def _documents(rng: Generator, examples: int) -> tuple[Floats, Floats]:
    """Return the number of tokens and bytes of each document [documents]."""
    tokens = np.ceil(TOKENS * np.exp(SPREAD * rng.normal(size=examples)))
    return tokens, np.round(tokens * BYTES * np.exp(0.1 * rng.normal(size=examples)))


def _of_ratio(ratio: Ratio) -> Simulation:
    def run(rng: Generator, documents: tuple[Floats, Floats], quality: Floats) -> Scored:
        tokens, sizes = documents
        nats = tokens * NATS * np.exp(-SLOPE * quality) + CHANCE * np.sqrt(tokens) * rng.normal(size=len(tokens))
        return scored_costs(ratio, nats, sizes if ratio.units in SIZES else tokens)

    return Simulation(_documents, run)


PERPLEXITY, BITS = _of_ratio(RATIOS["perplexity"]), _of_ratio(RATIOS["bits_per_byte"])
SIMULATIONS: Mapping[str, Simulation] = {
    name: PERPLEXITY if ratio.exponential else BITS for name, ratio in RATIOS.items()
}

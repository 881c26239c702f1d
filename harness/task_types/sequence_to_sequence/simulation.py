"""Simulated texts, in which more words are right the better a run is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.metrics.influence import ratio
from harness.metrics.metric import Floats, Scored
from harness.task_types.probabilities import perplexity
from harness.task_types.sequence_to_sequence.metrics import as_it_is, scored_ratio
from harness.task_types.simulated import Generator, Simulation, of_values

WORDS = (4, 24)
"""The range of the number of words in a reference text."""
NATS, SLOPE = 2.4, 0.1
"""Nats per token, and how fast their logarithm falls with quality."""
ORDERS = 4


def _lengths(rng: Generator, examples: int) -> Floats:
    return rng.integers(*WORDS, examples).astype(float)


def _share_right(quality: Floats) -> Floats:
    return 1 / (1 + np.exp(-1.5 * quality))


def _overlap(rng: Generator, words: Floats, quality: Floats) -> Scored:
    """Simulate a geometric mean of the shares of right n-grams for n = 1 to 4, in which all words must be right."""
    share = _share_right(quality)
    there = np.stack([np.maximum(words - order, 0) for order in range(ORDERS)], axis=1)
    right = rng.binomial(there.astype(int), np.stack([share ** (order + 1) for order in range(ORDERS)], axis=1))
    shares, influences = ratio(right.astype(float), there)
    score = float(np.exp(np.log(np.maximum(shares, 1e-9)).mean()))
    return score, score * (influences / np.maximum(shares, 1e-9)).mean(axis=1)


def _perplexity(rng: Generator, words: Floats, quality: Floats) -> Scored:
    nats = words * NATS * np.exp(-SLOPE * quality) + np.sqrt(words) * rng.normal(size=len(words))
    return scored_ratio(nats, words, perplexity)


def _token_accuracy(rng: Generator, words: Floats, quality: Floats) -> Scored:
    return scored_ratio(rng.binomial(words.astype(int), _share_right(quality)).astype(float), words, as_it_is)


OVERLAP, SHARE = Simulation(_lengths, _overlap), of_values(_share_right)
SIMULATIONS: Mapping[str, Simulation] = {
    "bleu": OVERLAP,
    "bleu_lowercase": OVERLAP,
    "bleu_zh": OVERLAP,
    "bleu_char": OVERLAP,
    "chrf": OVERLAP,
    "rouge_1": SHARE,
    "rouge_2": SHARE,
    "rouge_l": SHARE,
    "exact_text": of_values(lambda quality: (quality > 0).astype(float)),
    "target_token_accuracy": Simulation(_lengths, _token_accuracy),
    "target_perplexity": Simulation(_lengths, _perplexity),
}

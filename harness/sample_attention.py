"""SampleAttention: where a decoder looks in a source as it writes a text, for one of the examples that a report shows.

Stored in the column `attention` of predictions.parquet, in that example's row. Small, so that reports draw it without a
model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

COLUMN = "attention"
SAMPLES = 8
"""Number of test examples that a report shows."""
MOST_TOKENS = 40
"""Maximum number of tokens of a source, and of the text written from it, in a map."""
DECIMALS = 3
LONGEST_TOKEN = 200
"""Maximum number of characters of a token; a longer one is no token of ours."""
_TOLERANCE = 0.05  # Of the sum of a row, which is 1 up to rounding: 40 numbers with three decimals are off by 0.02.


def sample_places(examples: int) -> list[int]:
    """Indices of the test examples that a report shows, evenly spaced.

    >>> sample_places(15)
    [0, 2, 4, 6, 8, 10, 12, 14]
    >>> sample_places(2)
    [0, 1]
    """
    count = min(SAMPLES, examples)
    return [place * (examples - 1) // max(count - 1, 1) for place in range(count)]


@dataclass(frozen=True, slots=True)
class SampleAttention:
    """The attention of a decoder to a source, averaged over all heads of all layers.

    Attributes:
        tokens: All tokens of the source, including special ones, at most `MOST_TOKENS`.
        written: The written tokens: the first `MOST_TOKENS`, or all if there are fewer.
        weights: The attention from each written token to each of the source's [written, tokens]; each row adds up to 1.
        written_in_all: The number of written tokens, whether or not they are in `written`.
    """

    tokens: tuple[str, ...]
    written: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    written_in_all: int

    @classmethod
    def of(cls, tokens: Sequence[str], written: Sequence[str], weights: Sequence[Sequence[float]]) -> SampleAttention:
        """Round the weights [written, tokens], and leave out what was written beyond `MOST_TOKENS`."""
        rows = tuple(tuple(round(float(weight), DECIMALS) for weight in row) for row in weights[:MOST_TOKENS])
        return cls(tuple(tokens), tuple(written[:MOST_TOKENS]), rows, len(written))

    def row(self) -> dict[str, Any]:
        """Return the field of predictions.parquet."""
        return {
            "tokens": list(self.tokens),
            "written": list(self.written),
            "weights": [list(row) for row in self.weights],
            "written_in_all": self.written_in_all,
        }


def recorded(field: object) -> SampleAttention | None:
    """Return the attention in a field of predictions.parquet; None if there is none, or it is not as `row` wrote it."""
    names = [known.name for known in fields(SampleAttention)]
    if not isinstance(field, Mapping) or set(field) != set(names):
        return None
    tokens, written, weights, in_all = (field[name] for name in names)
    if not (_are_words(tokens) and _are_words(written) and isinstance(in_all, int) and in_all >= len(written)):
        return None
    if not isinstance(weights, list) or len(weights) != len(written):
        return None
    if not all(_is_distribution(row, len(tokens)) for row in weights):
        return None
    return SampleAttention(tuple(tokens), tuple(written), tuple(map(tuple, weights)), in_all)


def _are_words(found: object) -> bool:
    return isinstance(found, list) and 0 < len(found) <= MOST_TOKENS and all(map(_is_word, found))


def _is_word(found: object) -> bool:
    return isinstance(found, str) and len(found) <= LONGEST_TOKEN


def _is_distribution(row: object, length: int) -> bool:
    if not isinstance(row, list) or len(row) != length:
        return False
    numbers = [weight for weight in row if isinstance(weight, float) and math.isfinite(weight) and weight >= 0]
    return len(numbers) == length and abs(sum(numbers) - 1) <= _TOLERANCE

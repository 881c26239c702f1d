"""Baseline for documents. Its outputs are costs, as in `metrics.py`.

`majority` ignores context: the cost of each byte follows from its frequency in the training texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from harness.task_types.baseline import read_json, write_json
from harness.task_types.language_modelling import DocumentExample
from harness.task_types.language_modelling.metrics import COSTS

FILE = "bytes.json"
VALUES = 256


@dataclass(frozen=True)
class ByteFrequencies:
    """Frequencies of the bytes of UTF-8 in the training texts. One is added to each count.

    Attributes:
        counts: The counts, by the value of the byte [256].
    """

    counts: tuple[int, ...]

    @classmethod
    def fit(cls, examples: Sequence[DocumentExample], _labels: tuple[str, ...]) -> Self:
        """Count the bytes of the training data."""
        counts = sum((_counted(example) for example in examples), np.zeros(VALUES, dtype=np.int64))
        return cls(tuple(counts.tolist()))

    @classmethod
    def load(cls, folder: Path, _labels: tuple[str, ...]) -> Self:
        """Load what `save` wrote to `folder`."""
        return cls(tuple(read_json(folder / FILE)["counts"]))

    def outputs(self, examples: Sequence[DocumentExample]) -> list[dict[str, float | None]]:
        """Compute the nats of each document. There are no tokens, and therefore no perplexity."""
        nats = -np.log((np.array(self.counts) + 1) / (sum(self.counts) + VALUES))
        nothing: dict[str, float | None] = dict.fromkeys(COSTS)
        return [{**nothing, "nats": float(nats @ _counted(example))} for example in examples]

    def save(self, folder: Path) -> None:
        """Save the counts in `folder`."""
        write_json(folder / FILE, {"counts": self.counts})


def _counted(example: DocumentExample) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Count each byte in the document [256]."""
    content = example.text.encode("utf-8", "surrogatepass")
    return np.bincount(np.frombuffer(content, dtype=np.uint8), minlength=VALUES)


BASELINES = {"majority": ByteFrequencies}

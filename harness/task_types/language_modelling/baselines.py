"""Baseline for documents. Its outputs are costs, as in `metrics.py`.

`majority` ignores context: the cost of each byte follows from its frequency in the training texts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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

    def outputs(self, examples: Sequence[DocumentExample]) -> list[dict[str, float | None]]:
        """Compute the nats of each document. There are no tokens, and therefore no perplexity."""
        nats = -np.log((np.array(self.counts) + 1) / (sum(self.counts) + VALUES))
        nothing: dict[str, float | None] = dict.fromkeys(COSTS)
        return [{**nothing, "nats": float(nats @ _counted(example))} for example in examples]

    def save(self, folder: Path) -> None:
        """Save the counts in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps({"counts": self.counts}), encoding="utf-8")


def _counted(example: DocumentExample) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Count each byte in the document [256]."""
    content = example.text.encode("utf-8", "surrogatepass")
    return np.bincount(np.frombuffer(content, dtype=np.uint8), minlength=VALUES)


class Majority:
    """Fit and load `ByteFrequencies`."""

    def fit(self, examples: Sequence[DocumentExample], _labels: tuple[str, ...]) -> ByteFrequencies:
        """Count the bytes of the training data."""
        counts = sum((_counted(example) for example in examples), np.zeros(VALUES, dtype=np.int64))
        return ByteFrequencies(tuple(counts.tolist()))

    def load(self, folder: Path, _labels: tuple[str, ...]) -> ByteFrequencies:
        """Load what `save` wrote to `folder`."""
        return ByteFrequencies(tuple(json.loads((folder / FILE).read_text(encoding="utf-8"))["counts"]))


BASELINES = {"majority": Majority()}

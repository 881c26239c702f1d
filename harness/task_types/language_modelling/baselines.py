"""What the simple baselines answer to documents: what each costs, as in `metrics.py`.

`majority` reads nothing: each byte costs what its frequency in the training texts says.
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
    """How often each byte of UTF-8 stands in the training texts, one added to each count.

    Attributes:
        counts: By the byte's value [256].
    """

    counts: tuple[int, ...]

    def outputs(self, examples: Sequence[DocumentExample]) -> list[dict[str, float | None]]:
        """The nats of each document. It has no tokens, and so no perplexity."""
        nats = -np.log((np.array(self.counts) + 1) / (sum(self.counts) + VALUES))
        nothing: dict[str, float | None] = dict.fromkeys(COSTS)
        return [{**nothing, "nats": float(nats @ _counted(example))} for example in examples]

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps({"counts": self.counts}), encoding="utf-8")


def _counted(example: DocumentExample) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How often each byte stands in the document [256]."""
    content = example.text.encode("utf-8", "surrogatepass")
    return np.bincount(np.frombuffer(content, dtype=np.uint8), minlength=VALUES)


class Majority:
    """Makes `ByteFrequencies`."""

    def fit(self, examples: Sequence[DocumentExample], _labels: tuple[str, ...]) -> ByteFrequencies:
        """Those of the training data."""
        counts = sum((_counted(example) for example in examples), np.zeros(VALUES, dtype=np.int64))
        return ByteFrequencies(tuple(counts.tolist()))

    def load(self, folder: Path, _labels: tuple[str, ...]) -> ByteFrequencies:
        """What `save` wrote into `folder`."""
        return ByteFrequencies(tuple(json.loads((folder / FILE).read_text(encoding="utf-8"))["counts"]))


BASELINES = {"majority": Majority()}

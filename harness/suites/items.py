"""How many items a recipe makes of an example, and how many tokens it reads in each; as known before a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.config.training import Training
from harness.suites.sizes import Sizes
from harness.task_types.contract import ItemWindows

LONGEST = 512
SPECIAL_TOKENS = 3
"""Special tokens of a pair of texts."""
LARGEST_STRIDE = 128


@dataclass(frozen=True, slots=True)
class Items:
    """The items of an example, on average.

    Attributes:
        trained: Number of items of a training example.
        scored: Number of items of an example that is scored.
        tokens: Number of tokens that are read together.
        readings: How many times so many are read per item.
    """

    trained: float
    scored: float
    tokens: float
    readings: float = 1.0


def items_of(training: Training, sizes: Sizes) -> Items:
    """Estimate the items of an example: itself, or the windows of its last text."""
    windows = None if sizes.task_type is None else sizes.task_type.item_windows(training)
    pairs = sizes.pairs or ([] if sizes.tokens is None else [(0.0, sizes.tokens)])
    if windows is None or not pairs:
        most = training.max_length or LONGEST
        whole = training.segmented or training.strategy == "windows"
        tokens = most / 2 if sizes.tokens is None else sizes.tokens / sizes.readings
        return Items(1.0, 1.0, tokens if sizes.tokens is not None and whole else min(tokens, most), sizes.readings)
    scale = 1.0 if sizes.tokens is None else sizes.tokens * len(pairs) / (sum(map(sum, pairs)) or 1.0)
    found = [_windows(first * scale, last * scale, windows) for first, last in pairs]
    count = sum(number for number, _ in found) / len(found)
    tokens = sum(read for _, read in found) / len(found) / count
    return Items(1 + (count - 1) * windows.trained, count, tokens)


def _windows(first: float, last: float, windows: ItemWindows) -> tuple[int, float]:
    """The number of windows of a pair of texts, and the tokens in all of them; see `tokenization.reading.Reader`."""
    length = windows.length or LONGEST
    room = max(length - SPECIAL_TOKENS, 2)
    first = min(first, max(room / 2, room - last))
    left = room - first
    if last <= left:
        return 1, first + last
    usual = windows.stride if windows.stride is not None else min(LARGEST_STRIDE, length // 4)
    stride = usual if usual < left else left / 2
    count = math.ceil((last - stride) / (left - stride))
    if windows.most is not None and windows.most < count:
        return windows.most, windows.most * room
    return count, count * first + last + (count - 1) * stride

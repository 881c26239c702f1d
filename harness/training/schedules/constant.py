"""The peak, to the end."""

from __future__ import annotations


def schedule(step: int, steps: int) -> float:
    """The share of the peak learning rate: 1."""
    del step, steps
    return 1.0

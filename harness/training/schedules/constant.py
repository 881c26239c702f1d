"""Constant: the peak learning rate to the end."""

from __future__ import annotations


def schedule(step: int, steps: int) -> float:
    """Return the learning rate as a share of the peak: 1."""
    del step, steps
    return 1.0

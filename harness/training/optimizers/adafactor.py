"""Adafactor: the second moments of a matrix as one row and one column, for large models in little memory.

Source: Shazeer & Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", algorithm 4. The learning
rate is relative to the scale of a matrix (section 8), so that it takes higher ones than AdamW.
"""

from __future__ import annotations

import torch

from harness.training.optimizers import Groups, Optimizer


def _make(groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adafactor(groups, lr=learning_rate)


# Column moments, and the scales of a matrix and its update, are averages over all rows, including unused ones.
optimizer = Optimizer(_make, unused_rows_decay=None)

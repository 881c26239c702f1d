"""Adafactor: a matrix's second moments as one row and one column of numbers, for large models in little memory.

Source: Shazeer & Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", algorithm 4. The learning
rate is relative to the size of a matrix's numbers (section 8), so that it takes higher ones than AdamW.
"""

from __future__ import annotations

import torch

from harness.training.optimizers import Groups, Optimizer


def _make(groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adafactor(groups, lr=learning_rate)


# Moments of columns, and the sizes of a matrix and of its update, are means over all rows, the unused ones too.
optimizer = Optimizer(_make, unused_rows_decay=None)

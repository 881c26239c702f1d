"""Optimizers: each file defines an `optimizer` that a recipe can name.

    optimizer = Optimizer(make, unused_rows_decay)

`make` creates a PyTorch optimizer from parameter groups, each with its own `weight_decay`, and the peak learning rate,
which a schedule then scales. Its state must consist of tensors, so that an interrupted run can be resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Groups = list[dict[str, Any]]


@dataclass(frozen=True)
class Optimizer:
    """An optimizer.

    Attributes:
        make: Creates the PyTorch optimizer from parameter groups and the peak learning rate.
        unused_rows_decay: Computes the factor by which a parameter changes whose gradient is always zero, from the
            learning rate of each step taken [steps] and the weight decay. None if there is no such factor, or if the
            parameter affects the updates of others, so that unused embeddings must be trained as well.
    """

    make: Callable[[Groups, float], torch.optim.Optimizer]
    unused_rows_decay: Callable[[Sequence[float], float], float] | None

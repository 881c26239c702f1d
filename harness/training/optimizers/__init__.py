"""What changes the weights: each file is an optimizer that a recipe may name, and gives one `optimizer`.

    optimizer = Optimizer(make, unused_rows_decay)

`make` gives a PyTorch optimizer over parameter groups, each with its own `weight_decay`, whose peak learning rate is
given; a learning rate schedule then scales it. Its state must be tensors, because a stopped run goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Groups = list[dict[str, Any]]


@dataclass(frozen=True)
class Optimizer:
    """One way to change weights by their gradients.

    Attributes:
        make: The PyTorch optimizer, of parameter groups and the peak learning rate.
        unused_rows_decay: The factor by which a number has changed whose gradient was always zero, from the learning
            rate of each step taken [steps] and the weight decay. None: nothing so simple happens to it, or it matters
            to how other numbers change, so that the rows of an embedding that the data uses can't be trained alone.
    """

    make: Callable[[Groups, float], torch.optim.Optimizer]
    unused_rows_decay: Callable[[Sequence[float], float], float] | None

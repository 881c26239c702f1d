"""Floating-point operations of training, estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from harness.tokenization.items import Item


def training_flops(
    model: Any, items: Sequence[Item], trained_items: int, *, attended: int | None, passes: float = 3.0
) -> float:
    """An estimate of the operations that training on `trained_items` took, padding left out.

    A token's forward pass takes 2 operations a parameter outside the embeddings, and 4 · layers · width a token that
    it attends to; the backward pass takes twice as many (Kaplan et al. 2020, section 2.1).

    Args:
        model: The model.
        items: The training split's.
        trained_items: How many were read in all, some more than once.
        attended: Most tokens that a token attends to; None: all of its window.
        passes: How many forward passes a step takes as long as: see `forward_passes`.
    """
    if not trained_items:
        return 0.0
    config = model.config.get_text_config()
    dense = 2 * model.num_parameters(exclude_embeddings=True)
    # A few architectures name their sizes otherwise; attention is then left out of the estimate.
    attention = 4 * getattr(config, "num_hidden_layers", 0) * getattr(config, "hidden_size", 0)
    lengths = [len(window.input_ids) for item in items for window in item.windows]
    forward = sum(dense * length + attention * length * min(length, attended or length) for length in lengths)
    return passes * forward * trained_items / len(items)


def forward_passes(model: Any) -> float:
    """How many forward passes a step takes as long as: 3, where every parameter is trained.

    One is the forward pass itself. One is the backward pass down to the lowest parameter that is trained, and one is
    the gradients of weights: of both, the share that parameters outside the embeddings have in it is counted.
    """
    tables = {id(table.weight) for table in model.modules() if isinstance(table, nn.Embedding)}
    trained = [(p.numel(), p.requires_grad) for p in model.parameters() if id(p) not in tables]
    total = sum(count for count, _ in trained)
    lowest = next((place for place, (_, learns) in enumerate(trained) if learns), len(trained))
    reached = 0 if any(p.requires_grad for p in model.parameters() if id(p) in tables) else lowest
    passed = sum(count for count, _ in trained[reached:])
    return 1 + passed / total + sum(count for count, learns in trained if learns) / total

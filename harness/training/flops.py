"""Floating-point operations of training, estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from harness.tokenization.items import Item


def training_flops(
    model: Any, items: Sequence[Item], trained_items: int, *, attended: int | None, passes: float = 3.0
) -> float:
    """Estimate the operations of training on `trained_items` items, excluding padding.

    The forward pass of a token takes 2 operations per parameter outside the embeddings, and 4 · layers · width per
    token that it attends to; the backward pass takes twice as many (Kaplan et al. 2020, section 2.1).

    Args:
        model: The model.
        items: The items of the training split.
        trained_items: Number of items trained on, counting repetitions.
        attended: Maximum number of tokens that a token attends to; None for its whole window.
        passes: Duration of a step in forward passes; see `forward_passes`.
    """
    if not trained_items:
        return 0.0
    config = model.config.get_text_config()
    dense = 2 * model.num_parameters(exclude_embeddings=True)
    # A few architectures use other names for their sizes. Attention is then omitted from the estimate.
    attention = 4 * getattr(config, "num_hidden_layers", 0) * getattr(config, "hidden_size", 0)
    lengths = [len(window.input_ids) for item in items for window in item.windows]
    forward = sum(dense * length + attention * length * min(length, attended or length) for length in lengths)
    return passes * forward * trained_items / len(items)


def forward_passes(model: Any) -> float:
    """Return the duration of a training step in forward passes: 3 if every parameter is trained.

    One is the forward pass itself, one the backward pass down to the lowest trained parameter, and one the gradients of
    weights. The last two are scaled by their share of the parameters outside the embeddings.
    """
    tables = {id(table.weight) for table in model.modules() if isinstance(table, nn.Embedding)}
    trained = [(p.numel(), p.requires_grad) for p in model.parameters() if id(p) not in tables]
    total = sum(count for count, _ in trained)
    lowest = next((place for place, (_, learns) in enumerate(trained) if learns), len(trained))
    reached = 0 if any(p.requires_grad for p in model.parameters() if id(p) in tables) else lowest
    passed = sum(count for count, _ in trained[reached:])
    return 1 + passed / total + sum(count for count, learns in trained if learns) / total

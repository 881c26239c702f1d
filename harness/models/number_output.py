"""The head's last layer: where it is, and how the one number that it gives is put into other units."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn


def number_layer(model: Any) -> nn.Linear | None:
    """The linear layer that a model's one number comes out of; None where the head has no such layer."""
    name = output_layer(model, 1)
    return None if name is None else cast(nn.Linear, model.get_submodule(name))


def output_layer(model: Any, outputs: int) -> str | None:
    """The name of the linear layer that a model's outputs come out of; None where the head has no such layer."""
    encoder = f"{model.base_model_prefix}."
    found = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == outputs and not name.startswith(encoder)
    ]
    return found[-1] if found else None


@torch.no_grad()
def rescale(layer: nn.Linear, *, mean: float, scale: float) -> None:
    """Make the layer give `mean` plus `scale` times what it gave.

    A layer without a bias can't: its `mean` must be 0.
    """
    layer.weight.copy_(layer.weight.double() * scale)
    if layer.bias is not None:
        layer.bias.copy_(layer.bias.double() * scale + mean)
    else:
        assert mean == 0, mean

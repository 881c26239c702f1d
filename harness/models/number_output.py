"""The head's last layer, and the rescaling of its output for regression."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn


def number_layer(model: Any) -> nn.Linear | None:
    """Return the linear layer that computes the model's single number, or None if there is none."""
    name = output_layer(model, 1)
    return None if name is None else cast(nn.Linear, model.get_submodule(name))


def output_layer(model: Any, outputs: int) -> str | None:
    """Return the name of the linear layer that computes the model's outputs, or None if there is none."""
    encoder = f"{model.base_model_prefix}."
    found = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == outputs and not name.startswith(encoder)
    ]
    return found[-1] if found else None


@torch.no_grad()
def rescale(layer: nn.Linear, *, mean: float, scale: float) -> None:
    """Change the layer to return `mean` plus `scale` times its output.

    Without a bias, `mean` must be 0.
    """
    layer.weight.copy_(layer.weight.double() * scale)
    if layer.bias is not None:
        layer.bias.copy_(layer.bias.double() * scale + mean)
    else:
        assert mean == 0, mean

"""Select what is trained: the whole model, a part of it, or adapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from harness.config.training import Training
from harness.errors import UserError
from harness.models.adapters import add_adapters
from harness.models.depth import freeze
from harness.training.flops import forward_passes


@dataclass(frozen=True)
class Adapted:
    """The trained part of a model.

    Attributes:
        frozen: Frozen modules, which run in evaluation mode.
        trained_parameters: Number of trained parameters.
        forward_passes: Duration of a training step, in forward passes.
    """

    frozen: Sequence[nn.Module]
    trained_parameters: int
    forward_passes: float


def adapt(model: Any, training: Training, seed: int) -> Adapted:
    """Set up a model, in place and before it has an optimiser, for the training method of the recipe.

    Raises:
        UserError: If the model lacks the parts that the recipe names.
    """
    frozen = [] if training.frozen is None else freeze(model, training.frozen)
    if training.method == "lora":
        add_adapters(model, rank=training.rank, alpha=training.scale_of_adapters, seed=seed)
    if training.gradient_checkpointing:
        _compute_layers_again(model)
    return Adapted(frozen, model.num_parameters(only_trainable=True), forward_passes(model))


def _compute_layers_again(model: Any) -> None:
    """Recompute activations in the backward pass instead of keeping them."""
    if not model.supports_gradient_checkpointing:
        raise UserError(
            f"gradient_checkpointing: a {model.config.model_type} can't recompute its layers. Leave it out."
        )
    # The newer name in transformers, if available.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})

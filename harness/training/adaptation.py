"""What of a model is trained: all of it, a part, or small matrices beside it."""

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
    """What of a model is trained.

    Attributes:
        frozen: Parts of it that are not, and are read as in evaluation.
        trained_parameters: How many numbers are.
        forward_passes: How many forward passes a step takes as long as.
    """

    frozen: Sequence[nn.Module]
    trained_parameters: int
    forward_passes: float


def adapt(model: Any, training: Training, seed: int) -> Adapted:
    """Make the model one of which that is trained which the recipe says.

    Args:
        model: A transformers model, before its optimiser is made; is changed.
        training: The recipe.
        seed: Of what is new in it.

    Raises:
        UserError: The model does not have the parts that the recipe names.
    """
    frozen = [] if training.frozen is None else freeze(model, training.frozen)
    if training.method == "lora":
        add_adapters(model, rank=training.rank, alpha=training.scale_of_adapters, seed=seed)
    if training.gradient_checkpointing:
        _compute_layers_again(model)
    return Adapted(frozen, model.num_parameters(only_trainable=True), forward_passes(model))


def _compute_layers_again(model: Any) -> None:
    """Have each layer's states computed again in the backward pass instead of kept."""
    if not model.supports_gradient_checkpointing:
        raise UserError(
            f"gradient_checkpointing: a {model.config.model_type} can't recompute its layers. Leave it out."
        )
    # Its newer name, where transformers has it.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})

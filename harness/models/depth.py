"""Depth of a model's parameters, from embeddings to head, and freezing of parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from harness.errors import UserError

POOLER = "pooler"  # Its output is for the head, and it is often as new as the head.


@dataclass(frozen=True)
class Depths:
    """Depths of a model's parameters.

    Attributes:
        of: Depth by parameter name: 0 for the embeddings, then the number of the layer, and `layers` + 1 above the
            layers.
        head: Names of the parameters outside the encoder or in its pooler.
        layers: Number of layers.
    """

    of: Mapping[str, int]
    head: frozenset[str]
    layers: int


def layers_of(model: Any, setting: str) -> Sequence[nn.Module]:
    """Return the layers, lowest first: the encoder's, and above them the decoder's if there is one.

    Args:
        model: A transformers model.
        setting: The setting that needs the layers, for messages.

    Raises:
        UserError: If the model has no list with the number of layers in its configuration.
    """
    found: list[nn.Module] = []
    for part, config in _stacks(model):
        count = getattr(config, "num_hidden_layers", 0)
        lists = [each for each in part.modules() if isinstance(each, nn.ModuleList) and len(each) == count > 0]
        if not lists:
            raise UserError(
                f"{setting}: a {model.config.model_type} has no list of layers to tell apart (some models use one "
                "layer again and again). Leave it out."
            )
        largest: nn.ModuleList = max(lists, key=_size)
        found += largest
    return found


def _stacks(model: Any) -> list[tuple[nn.Module, Any]]:
    """Return the model's stacks of layers, each with its configuration."""
    config = model.config
    if not getattr(config, "is_encoder_decoder", False):
        return [(model.base_model, config.get_text_config())]
    # The stacks' own configurations are the whole model's, which counts the encoder's layers.
    return [
        (model.get_encoder(), config.get_text_config(encoder=True)),
        (model.get_decoder(), config.get_text_config(decoder=True)),
    ]


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def depths_of(model: Any, setting: str) -> Depths:
    """Return the depths of the model's parameters. Arguments and errors are as in `layers_of`.

    Parameters registered before the first layer of an encoder or decoder count as embeddings, and so do those of
    embeddings registered after it, such as of distances, which the first layer reads too. Others after an encoder's
    last layer and below a decoder belong to that layer.
    """
    layers, parts = layers_of(model, setting), [part for part, _ in _stacks(model)]
    layer_of = {id(p): depth for depth, layer in enumerate(layers, 1) for p in layer.parameters()}
    encoder = {id(p): 0 for p in model.base_model.parameters()}
    for part in parts:
        below = 0
        for parameter in part.parameters():
            above = len(layers) + 1 if part is parts[-1] else below
            encoder[id(parameter)] = below = layer_of.get(id(parameter), below and above)
    embeddings = (each for each in model.base_model.modules() if isinstance(each, nn.Embedding))
    encoder |= {id(p): 0 for each in embeddings for p in each.parameters() if id(p) not in layer_of}
    of = {name: encoder.get(id(parameter), len(layers) + 1) for name, parameter in model.named_parameters()}
    head = frozenset(name for name, p in model.named_parameters() if id(p) not in encoder or POOLER in name.split("."))
    return Depths(of, head, len(layers))


def freeze(model: Any, what: str | int) -> list[nn.Module]:
    """Freeze a part of the model.

    Args:
        model: A transformers model.
        what: "encoder" for all but the head and pooler, or a number of lowest layers to freeze with the embeddings.

    Returns:
        The largest modules that are entirely frozen.

    Raises:
        UserError: If there are fewer layers, or no parameters outside the encoder.
    """
    depths = depths_of(model, "frozen")
    if isinstance(what, int) and what > depths.layers:
        raise UserError(f"frozen: {what} layers, but this model has {depths.layers}. Lower it.")
    for name, parameter in model.named_parameters():
        frozen = name not in depths.head if isinstance(what, str) else depths.of[name] <= what
        parameter.requires_grad_(not frozen)
    if all(not parameter.requires_grad for parameter in model.parameters()):
        raise UserError("frozen: every parameter of this model belongs to its encoder: none would be trained.")
    return list(_frozen_in(model))


def _frozen_in(module: nn.Module) -> Iterator[nn.Module]:
    parameters = list(module.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        yield module
        return
    for part in module.children():
        yield from _frozen_in(part)

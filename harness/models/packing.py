"""Packing: how the models of a family read concatenated texts without padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

PairScores = Callable[[Any, Tensor, Mapping[str, Tensor], Any], Tensor]


class Replaced(NamedTuple):
    """A function of a module that is replaced during a forward pass."""

    module: Any
    name: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class Packing:
    """How models read concatenated texts, for heads that use the first token, the mean, or every token of a text.

    Attention must use transformers' `AttentionInterface` and pass keyword arguments on, or be `replaced` by one that
    does. Everything else must treat tokens independently, so that it needs no text boundaries.

    Attributes:
        layers: Returns the encoder layers of a model, in order.
        selected_token_layer: Computes the output of a layer for selected tokens only [1, chosen, width], from the
            layer, its input [1, total, width], the indices of the tokens [chosen], and the layer's other arguments.
        positions: Computes position ids [texts, length] from a model and padded input_ids [texts, length].
        last_calls: Returns how often the last layer is called in a forward pass; more than once if layers are shared.
        averaged: Returns the module whose output the head averages over a text; None if the head uses the first token.
        replaced: Returns the functions of a model to replace during a forward pass over texts with given boundaries
            (`harness.long_texts.packed.boundaries`).
        refused: Returns why models with a configuration cannot be packed; None if they can.
        pairs: For models that generate text: computes scores of words [1, total, vocabulary] for concatenated pairs
            from the model, the encoder's output [1, total of the sources, width], the decoder's inputs
            (`decoder_input_ids` and `decoder_position_ids` [1, total]) and the boundaries
            (`harness.long_texts.packed.boundaries.PairBoundaries`). If None, pairs are padded.
    """

    layers: Callable[[Any], Sequence[Any]]
    selected_token_layer: Callable[..., Any]
    positions: Callable[[Any, Tensor], Tensor]
    last_calls: Callable[[Any], int] = lambda _model: 1
    averaged: Callable[[Any], Any | None] = lambda _model: None
    replaced: Callable[[Any, Any], Iterable[Replaced]] = lambda _model, _boundaries: ()
    refused: Callable[[Any], str | None] = lambda _config: None
    pairs: PairScores | None = None


def why_not_packable(packing: Packing | None, config: Any) -> str | None:
    """Return why a model needs padded texts, or None if it does not."""
    if packing is None:
        return "this family does not read texts laid end to end"
    if getattr(config, "is_decoder", False) or getattr(config, "add_cross_attention", False):
        return "a decoder does not see all of a text at once"
    return packing.refused(config)


def counted_positions(_model: Any, input_ids: Tensor) -> Tensor:
    """Return positions [texts, length] counted from 0."""
    return torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)


def pairs_of_two_encoders(model: Any, memory: Tensor, read: Mapping[str, Tensor], boundaries: Any) -> Tensor:
    """Implement `Packing.pairs` for an `EncoderDecoderModel`, whose decoder inputs have a prefix."""
    scores: Tensor = model(encoder_outputs=(memory,), **read, decoder_boundaries=boundaries, use_cache=False).logits
    return scores


def positions_after_padding(model: Any, input_ids: Tensor) -> Tensor:
    """Return positions [texts, length] as in fairseq: from padding_idx + 1, skipping padding wherever it is."""
    padding = model.base_model.embeddings.padding_idx
    counted = (input_ids != padding).long()
    return counted.cumsum(1) * counted + padding


def selected_token_bert_layer(layer: Any, hidden: Tensor, tokens: Tensor, *_: Any, **options: Any) -> Tensor:
    """Compute the output of a `BertLayer`, or a layer with the same modules, for selected tokens only.

    Args:
        layer: The layer.
        hidden: The input of the layer [1, total, width].
        tokens: Indices of the selected tokens [chosen].
        **options: Arguments for the attention function.
    """
    attention, chosen = layer.attention.self, hidden[:, tokens]
    maps = (attention.query, attention.key, attention.value)
    sums = attention_sums(attention, maps, attention.dropout, chosen, hidden, **options)
    return layer.feed_forward_chunk(layer.attention.output(sums, chosen))


def attention_sums(
    attention: Any, maps: Sequence[Any], dropout: nn.Dropout, chosen: Tensor, hidden: Tensor, **options: Any
) -> Tensor:
    """Return the concatenated heads of selected tokens [1, chosen, width], before the output projection.

    Keys and values are computed for all tokens, queries only for the selected ones.

    Args:
        attention: The attention module, with `attention_head_size`, `scaling` and `config`.
        maps: The query, key and value projections.
        dropout: Dropout of the attention weights.
        chosen: States of the selected tokens [1, chosen, width].
        hidden: States of all tokens [1, total, width].
        **options: Arguments for the attention function.
    """
    of_maps = zip(maps, (chosen, hidden, hidden), strict=True)
    query, key, value = (heads_of(project(states), attention.attention_head_size) for project, states in of_maps)
    share = dropout.p if attention.training else 0.0
    attend = attention_of(attention.config)
    sums, _ = attend(attention, query, key, value, None, dropout=share, scaling=attention.scaling, **options)
    return sums.flatten(-2)


def heads_of(states: Tensor, size: int) -> Tensor:
    """Split states [1, tokens, heads x size] into heads [1, heads, tokens, size]."""
    return states.unflatten(-1, (-1, size)).transpose(1, 2)


def configs_of(model: nn.Module) -> list[Any]:
    """Return every configuration used in a model. Encoder and decoder may have their own, or copies."""
    return list({id(module.config): module.config for module in model.modules() if hasattr(module, "config")}.values())


def attention_of(config: Any) -> Callable[..., tuple[Tensor, Any]]:
    """Return the attention function that a model is set to."""
    return ALL_ATTENTION_FUNCTIONS[config._attn_implementation]

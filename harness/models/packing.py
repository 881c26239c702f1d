"""What a family tells of itself, so that its models read texts laid end to end, without padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

SelectedTokenLayer = Callable[..., Tensor]


@dataclass(frozen=True)
class Packing:
    """How texts laid end to end are read by models whose heads read a text's first token, or each token alone.

    Their attention goes through transformers' `AttentionInterface` and hands on keyword arguments; all else in them
    takes each token alone, so that it need not know where a text ends.

    Attributes:
        layers: The encoder's layers in a model, as they follow each other.
        selected_token_layer: A layer's output for some of its tokens alone [1, chosen, width], from the layer, its
            input [1, total, width], which tokens [chosen], and options for the attention.
        positions: Position ids [texts, length] of padded input_ids [texts, length], from a model and them.
    """

    layers: Callable[[Any], Sequence[Any]]
    selected_token_layer: SelectedTokenLayer
    positions: Callable[[Any, Tensor], Tensor]


def why_not_packable(packing: Packing | None, config: Any) -> str | None:
    """Why a model must be given padded texts; None: it need not.

    Args:
        packing: The family's.
        config: The model's configuration.
    """
    if packing is None:
        return "this family does not read texts laid end to end"
    if getattr(config, "is_decoder", False) or getattr(config, "add_cross_attention", False):
        return "a decoder does not see all of a text at once"
    return None


def counted_positions(_model: Any, input_ids: Tensor) -> Tensor:
    """Positions [texts, length] counted from 0."""
    return torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)


def selected_token_bert_layer(layer: Any, hidden: Tensor, tokens: Tensor, **options: Any) -> Tensor:
    """What a `BertLayer`, or one of its many kin with the same parts, gives for some of its tokens alone.

    Keys and values are of all tokens; queries, and all that follows attention, of the chosen ones.

    Args:
        layer: The layer.
        hidden: What the layer below gave [1, total, width].
        tokens: Which of them [chosen].
        **options: For the attention.
    """
    attention = layer.attention.self
    chosen = hidden[:, tokens]
    query, key, value = (
        project(states).unflatten(-1, (-1, attention.attention_head_size)).transpose(1, 2)
        for project, states in ((attention.query, chosen), (attention.key, hidden), (attention.value, hidden))
    )
    attend = attention_of(attention.config)
    dropout = attention.dropout.p if attention.training else 0.0
    sums, _ = attend(attention, query, key, value, None, dropout=dropout, scaling=attention.scaling, **options)
    return layer.feed_forward_chunk(layer.attention.output(sums.flatten(-2), chosen))


def attention_of(config: Any) -> Callable[..., tuple[Tensor, Any]]:
    """The attention function that a model is set to."""
    return ALL_ATTENTION_FUNCTIONS[config._attn_implementation]

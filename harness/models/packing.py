"""What a family tells of itself, so that its models read texts laid end to end, without padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

SelectedTokenLayer = Callable[..., Any]
PairScores = Callable[[Any, Tensor, Mapping[str, Tensor], Any], Tensor]


class Replaced(NamedTuple):
    """A function of a module that another one takes the place of, for the time of a pass."""

    module: Any
    name: str
    function: Callable[..., Any]


def _nothing(*_: Any) -> Any:
    return None


def _no_function(_model: Any, _boundaries: Any) -> Iterable[Replaced]:
    return ()


def _once(_model: Any) -> int:
    return 1


@dataclass(frozen=True)
class Packing:
    """How texts laid end to end are read by models whose heads read a text's first token, its mean, or each token.

    Their attention goes through transformers' `AttentionInterface` and hands on keyword arguments, or is `replaced` by
    one that does; all else in them takes each token alone, so that it need not know where a text ends.

    Attributes:
        layers: The encoder's layers in a model, as they follow each other.
        selected_token_layer: What a layer gives, but for some of its tokens alone [1, chosen, width], from the layer,
            its input [1, total, width], which tokens [chosen], and whatever else the layer is given.
        positions: Position ids [texts, length] of padded input_ids [texts, length], from a model and them.
        last_calls: How often a model calls its last layer in a pass: more than once where passes share layers.
        averaged: The module of a model whose output its head averages over a text. None: its head reads a first token.
        replaced: What has to be replaced in a model for a pass over texts with such boundaries
            (`harness.long_texts.packed.boundaries`).
        refused: Why a configuration's models can't be read so; None: they can.
        pairs: Of models that write, scores of words [1, total, vocabulary] for pairs laid end to end; from the model,
            what its encoder gave [1, total of the sources, width], what the decoder reads (`decoder_input_ids` and
            `decoder_position_ids` [1, total]) and the boundaries
            (`harness.long_texts.packed.boundaries.PairBoundaries`). None: pairs are padded.
    """

    layers: Callable[[Any], Sequence[Any]]
    selected_token_layer: SelectedTokenLayer
    positions: Callable[[Any, Tensor], Tensor]
    last_calls: Callable[[Any], int] = _once
    averaged: Callable[[Any], Any | None] = _nothing
    replaced: Callable[[Any, Any], Iterable[Replaced]] = _no_function
    refused: Callable[[Any], str | None] = _nothing
    pairs: PairScores | None = None


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
    return packing.refused(config)


def counted_positions(_model: Any, input_ids: Tensor) -> Tensor:
    """Positions [texts, length] counted from 0."""
    return torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)


def pairs_of_two_encoders(model: Any, memory: Tensor, read: Mapping[str, Tensor], boundaries: Any) -> Tensor:
    """As `Packing.pairs`, of an `EncoderDecoderModel`, which gives its decoder what is called the decoder's."""
    scores: Tensor = model(encoder_outputs=(memory,), **read, decoder_boundaries=boundaries, use_cache=False).logits
    return scores


def positions_after_padding(model: Any, input_ids: Tensor) -> Tensor:
    """Positions [texts, length] as in fairseq: from padding_idx + 1, and padding is not counted wherever it stands."""
    padding = model.base_model.embeddings.padding_idx
    counted = (input_ids != padding).long()
    return counted.cumsum(1) * counted + padding


def selected_token_bert_layer(layer: Any, hidden: Tensor, tokens: Tensor, *_: Any, **options: Any) -> Tensor:
    """What a `BertLayer`, or one of its many kin with the same parts, gives for some of its tokens alone.

    Args:
        layer: The layer.
        hidden: What the layer below gave [1, total, width].
        tokens: Which of them [chosen].
        **options: For the attention.
    """
    attention, chosen = layer.attention.self, hidden[:, tokens]
    maps = (attention.query, attention.key, attention.value)
    sums = attention_sums(attention, maps, attention.dropout, chosen, hidden, **options)
    return layer.feed_forward_chunk(layer.attention.output(sums, chosen))


def attention_sums(
    attention: Any, maps: Sequence[Any], dropout: nn.Dropout, chosen: Tensor, hidden: Tensor, **options: Any
) -> Tensor:
    """What the heads of an attention module sum up for some tokens [1, chosen, width], before its output's map.

    Keys and values are of all tokens; queries, and all that follows attention, of the chosen ones.

    Args:
        attention: The module; it has `attention_head_size`, `scaling` and `config`.
        maps: Its linear maps to queries, keys and values.
        dropout: Its weights'.
        chosen: States of the tokens that ask [1, chosen, width].
        hidden: Of all tokens [1, total, width].
        **options: For the attention.
    """
    of_maps = zip(maps, (chosen, hidden, hidden), strict=True)
    query, key, value = (heads_of(project(states), attention.attention_head_size) for project, states in of_maps)
    share = dropout.p if attention.training else 0.0
    attend = attention_of(attention.config)
    sums, _ = attend(attention, query, key, value, None, dropout=share, scaling=attention.scaling, **options)
    return sums.flatten(-2)


def heads_of(states: Tensor, size: int) -> Tensor:
    """States [1, tokens, heads x size] by head [1, heads, tokens, size]."""
    return states.unflatten(-1, (-1, size)).transpose(1, 2)


def configs_of(model: nn.Module) -> list[Any]:
    """Every configuration that a part of a model reads: encoder and decoder may have their own, and copies of them."""
    return list({id(module.config): module.config for module in model.modules() if hasattr(module, "config")}.values())


def attention_of(config: Any) -> Callable[..., tuple[Tensor, Any]]:
    """The attention function that a model is set to."""
    return ALL_ATTENTION_FUNCTIONS[config._attn_implementation]

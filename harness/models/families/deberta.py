"""DeBERTa-v2 and v3: He et al. 2021, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention".

Scores are sums of three products: content to content, content to position and position to content (section 3.1). The
stock attention multiplies with all positions of the model, and gathers from the result. For packed texts it is replaced
by one that multiplies only with the distances within a text, in order, so that a shifted view replaces gathering.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

from harness.models.family import SMALL_ENCODER, StockFamily
from harness.models.packing import Packing, Replaced, attention_of, counted_positions, heads_of


@dataclass(frozen=True)
class Distances:
    """Distances, which the encoder passes to its layers instead of relative positions [total, total].

    Attributes:
        config: The configuration of the model.
        boundaries: Boundaries of the texts.
        rows: Rows of the position embeddings for the distances of the longest text, from the lowest one.
        of: The index among `rows` by distance, from longest - 1 before a query to as many after it.
    """

    config: Any
    boundaries: Any
    rows: slice
    of: Tensor


def distances(model: Any, boundaries: Any) -> Distances:
    """Return the distances from query to key, query minus key, within the longest of the texts."""
    encoder, longest = model.base_model.encoder, max(boundaries.lengths)
    most, known = getattr(encoder, "max_relative_positions", 1), getattr(encoder, "position_buckets", -1)
    steps = torch.arange(longest - 1, -longest, -1)
    buckets = make_log_bucket_position(steps, known, most).long() if known > 0 else steps
    span = known if known > 0 else most
    rows = (buckets + span).clamp(0, 2 * span - 1)
    first = int(rows[-1])
    return Distances(model.config, boundaries, slice(first, int(rows[0]) + 1), (rows - first).to(boundaries.device))


def replaced(model: Any, boundaries: Any) -> Iterable[Replaced]:
    """Replace relative positions, the mask of all pairs of tokens, and the attention that uses them."""
    encoder, found = model.base_model.encoder, distances(model, boundaries)
    yield Replaced(encoder, "get_rel_pos", lambda *_, **__: found)
    yield Replaced(encoder, "get_attention_mask", lambda mask: mask)
    # It would read ids back from a GPU to warn of padding, of which there is none.
    yield Replaced(model.base_model, "warn_if_padding_and_no_attention_mask", lambda *_: None)
    for layer in encoder.layer:
        yield Replaced(layer.attention.self, "forward", partial(disentangled_sums, layer.attention.self))


def disentangled_sums(
    attention: Any,
    hidden: Tensor,
    _mask: Tensor,
    _weights: bool = False,
    *,
    query_states: Tensor | None,
    relative_pos: Distances,
    rel_embeddings: Tensor | None,
) -> tuple[Tensor, None]:
    """Compute `DisentangledSelfAttention` [1, tokens, width], for the tokens of the query states if given."""
    asking = hidden if query_states is None else query_states
    maps = ((attention.query_proj, asking), (attention.key_proj, hidden), (attention.value_proj, hidden))
    query, key, value = (heads_of(project(states), attention.attention_head_size) for project, states in maps)
    kinds = [kind for kind in ("c2p", "p2c") if kind in attention.pos_att_type]
    scaling = (attention.attention_head_size * (1 + len(kinds))) ** -0.5
    bias = None
    if attention.relative_attention and kinds:
        assert rel_embeddings is not None
        bias = partial(position_scores, *position_states(attention, rel_embeddings, relative_pos), scaling)
    sums, _ = attention_of(relative_pos.config)(
        attention,
        query,
        key,
        value,
        None,
        dropout=attention.dropout.p if attention.training else 0.0,
        scaling=scaling,
        boundaries=relative_pos.boundaries,
        bias=bias,
    )
    return sums.flatten(-2), None


def position_states(attention: Any, table: Tensor, known: Distances) -> tuple[Tensor | None, Tensor | None]:
    """Return position keys and queries by distance [heads, distances, width]; None for those that the model lacks."""
    rows = attention.pos_dropout(table[known.rows])[None]
    own = {"c2p": "pos_key_proj", "p2c": "pos_query_proj"}
    maps = {"c2p": "key_proj", "p2c": "query_proj"} if attention.share_att_key else own
    keys, queries = (
        heads_of(getattr(attention, name)(rows), attention.attention_head_size)[0].index_select(1, known.of)
        if kind in attention.pos_att_type
        else None
        for kind, name in maps.items()
    )
    return keys, queries


def position_scores(keys: Tensor | None, queries: Tensor | None, scaling: float, query: Tensor, key: Tensor) -> Tensor:
    """Compute content-to-position and position-to-content scores [texts, heads, queries, length].

    Args:
        keys: Position keys by distance, as returned by `position_states`.
        queries: Position queries by distance.
        scaling: The factor of the scores.
        query: Queries [texts, heads, queries, width] of all tokens, or only of each text's first one.
        key: Keys [texts, heads, length, width].
    """
    length, parts = key.shape[2], []
    first_alone = query.shape[2] < length
    if keys is not None:
        offered = _within(keys, length)
        if first_alone:
            parts.append(query @ offered[:, length - 1 :].transpose(1, 2))
        else:
            parts.append(shifted(query @ offered.transpose(1, 2)))
    if queries is not None:
        asking = _within(queries, length)
        if first_alone:
            parts.append((key * asking[:, length - 1 :]).sum(-1)[:, :, None])
        else:
            parts.append(shifted(key @ asking.flip(1).transpose(1, 2)).transpose(2, 3))
    return (parts[0] if len(parts) == 1 else parts[0] + parts[1]) * scaling


def _within(states: Tensor, length: int) -> Tensor:
    """Select the distances within a text [heads, 2 length - 1, width] from those of the longest text."""
    cut = states.shape[1] // 2 + 1 - length
    return states[:, cut : states.shape[1] - cut]


def shifted(products: Tensor) -> Tensor:
    """Return products [..., length, 2 length - 1] at [..., i, j - i + length - 1] for each [..., i, j], as a view.

    >>> shifted(torch.arange(6).view(2, 3)).tolist()
    [[1, 2], [3, 4]]
    """
    length = products.shape[-2]
    if length == 1:
        return products
    step = 2 * length - 2
    return products.flatten(-2)[..., length - 1 : -1].unflatten(-1, (-1, step))[..., :length]


def selected_token_layer(
    layer: Any, hidden: Tensor, tokens: Tensor, *given: Any, **options: Any
) -> tuple[Tensor, None]:
    """Compute a `DebertaV2Layer` for selected tokens, which its attention supports."""
    chosen, _ = layer.attention(hidden, *given, **{**options, "query_states": hidden[:, tokens]})
    return layer.output(layer.intermediate(chosen), chosen), None


def refused(config: Any) -> str | None:
    """Return why models with this configuration cannot be packed, or None if they can."""
    if getattr(config, "conv_kernel_size", 0) > 0:
        return "a convolution over tokens does not see where a text ends"
    return None


MODEL_TYPES = ("deberta-v2",)

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={
        **SMALL_ENCODER,
        "max_position_embeddings": 512,
        "relative_attention": True,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    packing=Packing(
        lambda model: model.base_model.encoder.layer,
        selected_token_layer,
        counted_positions,
        replaced=replaced,
        refused=refused,
    ),
)

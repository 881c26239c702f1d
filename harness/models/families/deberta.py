"""DeBERTa-v2 and v3: He et al. 2021, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention".

Scores are sums of three products: content to content, content to position and position to content (section 3.1). The
stock attention multiplies with all positions that the model knows, and picks from that. For packed texts it is replaced
by one that multiplies with those distances alone that a text has, in their order, so that a shifted view takes the
place of picking.
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
    """What the stock encoder hands to its layers in the place of relative positions [total, total].

    Attributes:
        config: The model's.
        boundaries: Of the texts.
        rows: Which rows of the table of positions the distances of the longest text have, from the lowest one.
        of: By distance, from longest - 1 before a query to as many after it, its place among `rows`.
    """

    config: Any
    boundaries: Any
    rows: slice
    of: Tensor


def distances(model: Any, boundaries: Any) -> Distances:
    """The distances from a query to a key, query minus key, within the longest of the texts."""
    encoder, longest = model.base_model.encoder, max(boundaries.lengths)
    most, known = getattr(encoder, "max_relative_positions", 1), getattr(encoder, "position_buckets", -1)
    steps = torch.arange(longest - 1, -longest, -1)
    buckets = make_log_bucket_position(steps, known, most).long() if known > 0 else steps
    span = known if known > 0 else most
    rows = (buckets + span).clamp(0, 2 * span - 1)
    first = int(rows[-1])
    return Distances(model.config, boundaries, slice(first, int(rows[0]) + 1), (rows - first).to(boundaries.device))


def replaced(model: Any, boundaries: Any) -> Iterable[Replaced]:
    """Relative positions, a mask of all tokens by all tokens, and the attention that reads them."""
    encoder, found = model.base_model.encoder, distances(model, boundaries)
    yield Replaced(encoder, "get_rel_pos", lambda *_, **__: found)
    yield Replaced(encoder, "get_attention_mask", lambda mask: mask)
    # It reads ids back, for which a GPU would have to be waited for, to warn of padding. There is none.
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
    """As `DisentangledSelfAttention`: sums [1, tokens, width], of the query states' tokens where there are any."""
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
    """Keys of positions and queries of positions by distance [heads, distances, width]; None: the model has none."""
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
    """Content to position and position to content [texts, heads, queries, length].

    Args:
        keys: Of positions by distance, as `position_states` gives them.
        queries: The same of queries.
        scaling: Of the scores.
        query: [texts, heads, queries, width], of all tokens, or of the texts' first ones alone.
        key: [texts, heads, length, width].
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
    """Those of the distances within a text [heads, 2 length - 1, width], out of the longest text's."""
    cut = states.shape[1] // 2 + 1 - length
    return states[:, cut : states.shape[1] - cut]


def shifted(products: Tensor) -> Tensor:
    """At [..., i, j] what products [..., length, 2 length - 1] have at [..., i, j - i + length - 1], as a view.

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
    """The output of a `DebertaV2Layer` for some of its tokens: its attention can be asked for them."""
    chosen, _ = layer.attention(hidden, *given, **{**options, "query_states": hidden[:, tokens]})
    return layer.output(layer.intermediate(chosen), chosen), None


def refused(config: Any) -> str | None:
    """Why a configuration's models can't be read packed; None: they can."""
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

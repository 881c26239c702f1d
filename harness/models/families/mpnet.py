"""MPNet: Song et al. 2020, "MPNet: Masked and Permuted Pre-training for Language Understanding".

Its attention does not use transformers' `AttentionInterface`, as scores have a bias by distance (section 2.4). For
packed texts it is replaced by the same computation with that interface; the bias is computed once per pass, for the
longest text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from harness.models.family import SMALL_ENCODER, StockFamily
from harness.models.packing import Packing, Replaced, attention_of, heads_of, positions_after_padding


@dataclass(frozen=True)
class Bias:
    """The bias of scores by distance, instead of the stock one [texts, heads, total, total].

    Attributes:
        config: The configuration of the model.
        boundaries: Boundaries of the texts.
        whole: The bias for the longest text [1, heads, longest, longest].
        parts: Parts of it for shorter ones, by shape, shared by all layers.
    """

    config: Any
    boundaries: Any
    whole: Tensor
    parts: dict[tuple[int, int], Tensor] = field(default_factory=dict)

    def __call__(self, query: Tensor, key: Tensor) -> Tensor:
        """Return the bias of a block [1, heads, queries, length], whose queries start at the first token."""
        asking, length = query.shape[2], key.shape[2]
        if (asking, length) not in self.parts:
            self.parts[asking, length] = self.whole[..., :asking, :length].to(query.dtype)
        return self.parts[asking, length]


def replaced(model: Any, boundaries: Any) -> Iterable[Replaced]:
    """Replace the bias that the stock encoder passes to its layers, and the attention that uses it."""
    encoder = model.base_model.encoder
    whole = encoder.compute_position_bias

    def bias(states: Tensor, *_: Any, **__: Any) -> Bias:
        longest = states[:, : max(boundaries.lengths)]
        return Bias(model.config, boundaries, whole(longest))

    yield Replaced(encoder, "compute_position_bias", bias)
    for layer in encoder.layer:
        yield Replaced(layer.attention.attn, "forward", partial(attention_output, layer.attention.attn))


def attention_output(
    attention: Any, hidden: Tensor, _mask: None, bias: Bias, *, chosen: Tensor | None = None, **_: Any
) -> tuple[Tensor]:
    """Compute `MPNetSelfAttention`, with queries only for the chosen states if there are any."""
    states = ((attention.q, hidden if chosen is None else chosen), (attention.k, hidden), (attention.v, hidden))
    query, key, value = (heads_of(project(of), attention.attention_head_size) for project, of in states)
    sums, _unused = attention_of(bias.config)(
        attention,
        query,
        key,
        value,
        None,
        dropout=attention.dropout.p if attention.training else 0.0,
        scaling=attention.attention_head_size**-0.5,
        boundaries=bias.boundaries,
        bias=bias,
    )
    return (attention.o(sums.flatten(-2)),)


def selected_token_layer(
    layer: Any, hidden: Tensor, tokens: Tensor, mask: None, bias: Bias, *_: Any, **__: Any
) -> tuple[Tensor]:
    """Compute an `MPNetLayer` for selected tokens only; arguments as in `selected_token_bert_layer`."""
    attention, chosen = layer.attention, hidden[:, tokens]
    (found,) = attention_output(attention.attn, hidden, mask, bias, chosen=chosen)
    chosen = attention.LayerNorm(attention.dropout(found) + chosen)
    return (layer.output(layer.intermediate(chosen), chosen),)


MODEL_TYPES = ("mpnet",)

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={**SMALL_ENCODER, "max_position_embeddings": 514},
    packing=Packing(
        lambda model: model.base_model.encoder.layer, selected_token_layer, positions_after_padding, replaced=replaced
    ),
)

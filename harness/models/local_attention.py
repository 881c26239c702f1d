"""A start in which the heads of an encoder's first layer look at the words around, each at another place.

An encoder whose weights are all drawn at random looks at every word alike, and predicts a hidden one from the mixture
of all others. Masked language modelling teaches it to tell places apart only after long: a small BERT that
began so lost nothing by shuffled texts after 2.8 million tokens, and was little further after 8.4 million (30 %).

Positions start as waves, as in Vaswani et al. 2017, section 3.5, but of evenly spread frequencies, so that any two
places differ as much as any other two. A turn of all waves is a step along the text, so that a head whose queries are
turned against its keys finds the word at a fixed distance: where many heads of trained encoders look (Clark et al.
2019, "What Does BERT Look At?", section 3.1; as fixed heads, Raganato et al. 2020). All of it is trained like the rest.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

CERTAINTY = 8.0
"""How far a neighbour's score stands out, on average, among all places of the text, before the softmax."""


@torch.no_grad()
def local_attention_heads(model: Any) -> None:
    """Give a fresh BERT or RoBERTa this start: its position embeddings, and queries and keys of its first layer.

    Heads look at the words 1 before, 1 after, 2 before, 2 after, and so on. Each has waves of its own, drawn at random.
    What was drawn for queries and keys stays, as noise around it.

    Raises:
        ValueError: A head has an odd number of dimensions.
    """
    config, positions = model.config, model.base_model.embeddings.position_embeddings
    heads, waves = config.num_attention_heads, config.hidden_size // 2
    if config.hidden_size % (2 * heads):
        raise ValueError(f"{config.hidden_size} dimensions make no {heads} heads with an even number of them each")
    frequencies = math.pi * (torch.arange(waves) + 0.5) / waves
    angles = torch.arange(positions.num_embeddings)[:, None] * frequencies
    positions.weight.copy_(torch.cat([angles.sin(), angles.cos()], 1) * (math.sqrt(2) * config.initializer_range))
    if positions.padding_idx is not None:
        positions.weight[positions.padding_idx] = 0.0
    attention = model.base_model.encoder.layer[0].attention.self
    for head, own in enumerate(torch.randperm(waves).chunk(heads)):
        distance = (head // 2 + 1) * (-1) ** (head + 1)
        _turn(_head(attention.key.weight, head, heads), own, torch.zeros(len(own)))
        _turn(_head(attention.query.weight, head, heads), own, frequencies[own] * distance)


def _head(weight: Tensor, head: int, heads: int) -> Tensor:
    """A head's part of queries or keys, its outputs and its inputs each parted into sines and cosines."""
    return weight.view(heads, 2, -1, 2, weight.shape[1] // 2)[head]


def _turn(weight: Tensor, waves: Tensor, angles: Tensor) -> None:
    """Have a head read some waves, turned by angles [waves]."""
    rows, size = torch.arange(len(waves)), len(waves) * 2
    # Words, positions and types have a third each of what the norm after the embeddings brings to a variance of one.
    strength = math.sqrt(CERTAINTY * math.sqrt(size) / (size / 3))
    sines, cosines = 0, 1
    weight[sines, rows, sines, waves] += strength * angles.cos()
    weight[sines, rows, cosines, waves] += strength * angles.sin()
    weight[cosines, rows, cosines, waves] += strength * angles.cos()
    weight[cosines, rows, sines, waves] -= strength * angles.sin()

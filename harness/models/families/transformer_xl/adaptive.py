"""Adaptive input and softmax: narrower embeddings for rare words, for large vocabularies.

Words are numbered by frequency and split into clusters. Sources: Baevski & Auli 2018, "Adaptive Input
Representations for Neural Language Modeling", section 3; Grave et al. 2017, "Efficient softmax approximation for GPUs",
section 4. Dai et al. 2019 use both for WikiText-103 and One Billion Word (section 4.1).
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from harness.models.families.transformer_xl.configuration import TransformerXLConfig


def cluster_of(words: Tensor, cutoffs: list[int]) -> Tensor:
    """Return the cluster of each word, in the shape of `words`: the number of cutoffs less than or equal to it."""
    return torch.bucketize(
        words.contiguous(), torch.tensor(cutoffs, device=words.device, dtype=words.dtype), right=True
    )


class AdaptiveInput(nn.Module):
    """Word embeddings; those of cluster i have width d_embed / div_val^i, and are projected to the model's width.

    Source: Baevski & Auli 2018, section 3; the factor √d_model is from Vaswani et al. 2017, section 3.4. With div_val 1
    there is a single table, and a projection only if d_embed differs from d_model.
    """

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.width = config.d_model
        self.single = config.div_val == 1
        self.cutoffs = [] if self.single else list(config.cutoffs)
        ends = [0, *self.cutoffs, config.vocab_size]
        widths = config.widths[: len(ends) - 1]
        sizes = [end - start for start, end in pairwise(ends)]
        self.emb_layers = nn.ModuleList(nn.Embedding(size, width) for size, width in zip(sizes, widths, strict=True))
        projected = [] if self.single and config.d_embed == config.d_model else widths
        self.emb_projs = nn.ParameterList(nn.Parameter(torch.empty(config.d_model, width)) for width in projected)

    def forward(self, words: Tensor) -> Tensor:
        """Return embeddings [..., d_model] of `words` [...], times √d_model."""
        clusters = cluster_of(words, self.cutoffs)
        vectors = cast(nn.Embedding, self.emb_layers[0]).weight.new_zeros(*words.shape, self.width)
        for index in range(len(self.emb_layers)):
            inside = clusters == index
            start = self.cutoffs[index - 1] if index else 0
            # Under autocast, projections are in half precision.
            vectors[inside] = self._embedded(words[inside] - start, index).to(vectors.dtype)
        return vectors * self.width**0.5

    def _embedded(self, words: Tensor, index: int) -> Tensor:
        vectors = self.emb_layers[index](words)
        return nn.functional.linear(vectors, self.emb_projs[index]) if len(self.emb_projs) else vectors


class AdaptiveLogSoftmax(nn.Module):
    """Log-probabilities of words: directly in the first cluster, else as log p(cluster) + log p(word | cluster).

    Source: Grave et al. 2017, section 4. The head chooses between the words of the first cluster and the other
    clusters, which follow them in order. The words of each cluster are scored on the state times the cluster's
    projection.
    """

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.single = config.div_val == 1
        self.cutoffs = list(config.cutoffs)
        self.ends = [0, *self.cutoffs, config.vocab_size]
        clusters = len(self.ends) - 1
        if clusters > 1:
            self.cluster_weight = nn.Parameter(torch.empty(clusters - 1, config.d_embed))
            self.cluster_bias = nn.Parameter(torch.empty(clusters - 1))
        sizes = [config.vocab_size] if self.single else [end - start for start, end in pairwise(self.ends)]
        widths = [config.d_embed] * clusters if self.single else config.widths
        # With a single table, clusters are slices of it, each with its own projection.
        self.out_layers = nn.ModuleList(nn.Linear(width, size) for width, size in zip(widths, sizes, strict=False))
        projected = [] if self.single and config.d_embed == config.d_model else widths
        self.out_projs = nn.ParameterList(nn.Parameter(torch.empty(config.d_model, width)) for width in projected)

    def forward(self, states: Tensor) -> Tensor:
        """Return log-probabilities [..., vocab_size] after `states` [..., d_model]."""
        head = self._scores(states, 0)
        words = self.ends[1]
        parts = [head[..., :words]]
        for index in range(1, len(self.ends) - 1):
            parts.append(head[..., words + index - 1, None] + self._scores(states, index))
        return torch.cat(parts, dim=-1)

    def losses(self, states: Tensor, words: Tensor) -> Tensor:
        """Return the negative log-probability of each word [words] after its state [words, d_model], and no others.

        They are in the order of the words, whatever their clusters.
        """
        clusters = cluster_of(words, self.cutoffs)
        head = self._scores(states, 0)
        # The head's output for the word itself, or for its cluster.
        asked = torch.where(clusters == 0, words, self.ends[1] + clusters - 1)
        found = head.gather(-1, asked.unsqueeze(-1)).squeeze(-1)
        for index in range(1, len(self.ends) - 1):
            (inside,) = (clusters == index).nonzero(as_tuple=True)
            within = self._scores(states[inside], index)
            rest = within.gather(-1, (words[inside] - self.ends[index]).unsqueeze(-1)).squeeze(-1)
            found = found.index_add(0, inside, rest)
        return -found

    def _scores(self, states: Tensor, index: int) -> Tensor:
        """Return log-probabilities within a cluster; in the first one, those of the other clusters follow."""
        weight, bias = self._table(index)
        if index == 0 and len(self.ends) > 2:
            weight, bias = torch.cat([weight, self.cluster_weight]), torch.cat([bias, self.cluster_bias])
        if len(self.out_projs):
            states = states @ self.out_projs[index]
        scores = nn.functional.linear(states, weight, bias)
        # In at least single precision, as autocast would blur the small probabilities of rare words.
        return scores.log_softmax(dim=-1, dtype=torch.promote_types(scores.dtype, torch.float32))

    def _table(self, index: int) -> tuple[Tensor, Tensor]:
        layer = cast(nn.Linear, self.out_layers[0 if self.single else index])
        words = slice(self.ends[index], self.ends[index + 1]) if self.single else slice(None)
        return layer.weight[words], layer.bias[words]

"""Embeddings and positions: Vaswani et al. 2017, sections 3.4 and 3.5."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.families.scratch.configuration import ScratchConfig


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """PE(pos, 2i) = sin(pos / 10000^(2i / width)), PE(pos, 2i + 1) = cos of the same angle.

    Source: section 3.5. They are computed, not stored: checkpoints contain none, and positions have no limit.

    Args:
        positions: Position of each token in its text, from 0 [..., length].
        width: Width of an encoding; even.

    Returns:
        Encodings [..., length, width], in float32.
    """
    assert width % 2 == 0, width
    even = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32)
    angles = positions.unsqueeze(-1) / 10000 ** (even / width)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def encodings(tokens: Tensor, positions: Tensor | None, *, first: int = 0) -> Tensor:
    """Return the encoding of each token's position, [length, width] if positions are counted.

    Args:
        tokens: Embedded tokens [batch, length, width].
        positions: Position of each token [batch, length]; None to count from `first`.
        first: The position of the first token.
    """
    width = tokens.shape[-1]
    if positions is None:
        return sinusoids(torch.arange(first + tokens.shape[-2], device=tokens.device), width)[first:]
    if positions.device.type != "cpu":
        return sinusoids(positions, width)
    # Sines are slow on CPUs, and packed texts repeat positions many times: each is computed once.
    return sinusoids(torch.arange(int(positions.max()) + 1), width)[positions]


class Embeddings(nn.Module):
    """Embeddings of tokens, of the text of a pair that each belongs to, and of positions.

    Source: sections 3.4 (the factor √d_model), 3.5 (the sum with positions) and 5.4 (dropout on that sum).
    Segment embeddings are an addition: the paper reads single texts, pairs were introduced by
    Devlin et al. 2019 ("BERT", section 3, "segment embeddings").
    """

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        self.width = config.hidden_size
        self.tokens = nn.Embedding(config.vocab_size, self.width, padding_idx=config.pad_token_id)
        self.segments = nn.Embedding(config.type_vocab_size, self.width)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, tokens: Tensor, segments: Tensor | None, positions: Tensor | None) -> Tensor:
        """Return embeddings [batch, length, width].

        Args:
            tokens: Embedded tokens [batch, length, width].
            segments: The text of the pair that each token belongs to [batch, length]; None if all belong to the first.
            positions: Position of each token [batch, length]; None to count from 0.
        """
        if segments is None:
            segments = torch.zeros(tokens.shape[:-1], dtype=torch.long, device=tokens.device)
        meanings = (tokens + self.segments(segments)) * self.width**0.5
        return self.dropout(meanings + encodings(tokens, positions).to(tokens.dtype))

"""Two classifiers of equal size that differ in how tokens are mixed: a Transformer encoder and an LSTM."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.models.families.scratch.configuration import ScratchConfig
from harness.models.families.scratch.model import ScratchModel

LABELS = 2


@dataclass(frozen=True)
class Size:
    """Sizes that both classifiers share.

    Attributes:
        vocabulary: Number of rows of the embedding.
        width: Width of the embedding, and hidden size of the Transformer.
        layers: Number of layers of each.
    """

    vocabulary: int
    width: int
    layers: int


class TransformerClassifier(nn.Module):
    """The from-scratch encoder (Vaswani et al. 2017, section 3.1), mean pooling and a linear layer."""

    def __init__(self, size: Size, longest: int) -> None:
        super().__init__()
        self.encoder = ScratchModel(
            ScratchConfig(
                vocab_size=size.vocabulary,
                hidden_size=size.width,
                num_hidden_layers=size.layers,
                num_attention_heads=max(size.width // 64, 1),
                intermediate_size=4 * size.width,
                max_position_embeddings=longest,
            )
        )
        self.head = nn.Linear(size.width, LABELS)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Compute logits [batch, labels] from token ids [batch, length]."""
        logits: Tensor = self.head(self.encoder(input_ids=input_ids).last_hidden_state.mean(1))
        return logits


class LstmClassifier(nn.Module):
    """An embedding, torch's LSTM (Hochreiter and Schmidhuber 1997), mean pooling and a linear layer."""

    def __init__(self, size: Size, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.lstm = nn.LSTM(size.width, hidden, num_layers=size.layers, batch_first=True)
        self.head = nn.Linear(hidden, LABELS)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Compute logits [batch, labels] from token ids [batch, length]."""
        logits: Tensor = self.head(self.lstm(self.embedding(input_ids))[0].mean(1))
        return logits


def parameters(model: nn.Module) -> int:
    """Return the number of a model's parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def lstm_of_size(size: Size, wanted: int) -> LstmClassifier:
    """Make the LSTM with the width that brings its number of parameters nearest to `wanted`."""
    low, high = 1, 4
    with torch.device("meta"):  # Counted without memory.
        while parameters(LstmClassifier(size, high)) < wanted:
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if parameters(LstmClassifier(size, middle)) <= wanted else (low, middle)
        nearest = min((low, high), key=lambda hidden: abs(parameters(LstmClassifier(size, hidden)) - wanted))
    return LstmClassifier(size, nearest)

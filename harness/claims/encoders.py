"""Two classifiers of one size that differ in how a token learns of the others: a Transformer encoder, and an LSTM."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.models.families.scratch.configuration import ScratchConfig
from harness.models.families.scratch.model import ScratchModel

LABELS = 2


@dataclass(frozen=True)
class Size:
    """What the two have in common.

    Attributes:
        vocabulary: Rows of the embedding.
        width: Of the embedding, and of the Transformer.
        layers: Of each.
    """

    vocabulary: int
    width: int
    layers: int


class TransformerClassifier(nn.Module):
    """The from-scratch encoder (Vaswani et al. 2017, section 3.1), the mean of its states, a linear map."""

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
        """Logits [batch, labels] of token ids [batch, length]."""
        logits: Tensor = self.head(self.encoder(input_ids=input_ids).last_hidden_state.mean(1))
        return logits


class LstmClassifier(nn.Module):
    """An embedding, torch's LSTM (Hochreiter and Schmidhuber 1997), the mean of its states, a linear map."""

    def __init__(self, size: Size, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.lstm = nn.LSTM(size.width, hidden, num_layers=size.layers, batch_first=True)
        self.head = nn.Linear(hidden, LABELS)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Logits [batch, labels] of token ids [batch, length]."""
        logits: Tensor = self.head(self.lstm(self.embedding(input_ids))[0].mean(1))
        return logits


def parameters(model: nn.Module) -> int:
    """How many a model has."""
    return sum(parameter.numel() for parameter in model.parameters())


def lstm_of_size(size: Size, wanted: int) -> LstmClassifier:
    """The LSTM whose width makes its parameters as many as wanted, as nearly as whole numbers do."""
    low, high = 1, 4
    with torch.device("meta"):  # Counted without memory.
        while parameters(LstmClassifier(size, high)) < wanted:
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if parameters(LstmClassifier(size, middle)) <= wanted else (low, middle)
        nearest = min((low, high), key=lambda hidden: abs(parameters(LstmClassifier(size, hidden)) - wanted))
    return LstmClassifier(size, nearest)

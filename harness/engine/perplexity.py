"""How well a language model foretells a text: read segment by segment, each with a memory of those before.

Source: Dai et al. 2019, section 4. The memory's length is free: longer than in training it still helps (section 4.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from harness.engine.memory import first_memory, read_segment

MOST_NATS = 700.0  # whose exponential is a number still


@dataclass(frozen=True)
class EncodedText:
    """A text and its tokens.

    Attributes:
        ids: Of the tokens, without special ones around them.
        unknown: How many of them stand for a word that the vocabulary lacks.
        characters: Of the text.
        bytes: Of the text in UTF-8.
    """

    ids: Sequence[int]
    unknown: int
    characters: int
    bytes: int

    @property
    def predicted(self) -> int:
        """How many tokens have another before them."""
        return len(self.ids) - 1


@dataclass(frozen=True)
class Surprise:
    """What a text's tokens cost a model that foretells each from those before.

    Attributes:
        nats: Minus the log-probability of all tokens but the first, which nothing stands before.
        text: The text.
    """

    nats: float
    text: EncodedText

    @property
    def perplexity(self) -> float:
        """How many equally likely tokens would leave as much to guess."""
        mean = self.nats / self.text.predicted
        return math.inf if mean > MOST_NATS else math.exp(mean)

    @property
    def bits_per_byte(self) -> float:
        """Bits that the text takes, a byte of UTF-8; other than perplexity, to be compared across tokenizers.

        Only where no words are unknown, though: these cost little. The first token costs nothing.
        """
        return self.nats / math.log(2) / self.text.bytes

    @property
    def bits_per_character(self) -> float:
        """Bits that the text takes, a character; as `bits_per_byte`."""
        return self.nats / math.log(2) / self.text.characters


def segments(text: EncodedText, segment: int) -> int:
    """How many segments of `segment` tokens the text is read in; its last token is foretold, not read."""
    return math.ceil(text.predicted / segment)


@torch.no_grad()
def segment_losses(
    model: Any, accelerator: Accelerator, text: EncodedText, *, segment: int, memory: int
) -> Iterator[Tensor]:
    """The losses of each segment's tokens [tokens] in nats, one segment after the other.

    Each token but the text's first is foretold once; a segment's last token foretells the next one's first.

    Args:
        model: A language model with a memory and `token_losses`, on the accelerator's device.
        accelerator: Devices and precision.
        text: The text.
        segment: Tokens in a segment.
        memory: Most states of each layer that a segment sees of those before it; 0: none.
    """
    model.eval()
    ids = torch.tensor(text.ids, device=accelerator.device)
    kept = first_memory(model, 1, memory)
    for start in range(0, text.predicted, segment):
        stop = min(start + segment, text.predicted)
        with accelerator.autocast():
            states, kept = read_segment(model, {"input_ids": ids[None, start:stop]}, kept, longest=memory)
            losses = model.token_losses(states[0], ids[start + 1 : stop + 1])
        yield losses

"""How well a language model predicts a text: read segment by segment, each with a memory of those before.

Source: Dai et al. 2019, section 4. The memory's length is free: longer than in training it still helps (section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from harness.long_texts.segments import Texts
from harness.long_texts.token_losses import NextInSegments
from harness.task_types.language_modelling.metrics import RATIOS


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
    """What a text's tokens cost a model that predicts each from those before.

    Attributes:
        nats: Minus the log-probability of all tokens but the first, which nothing stands before.
        text: The text.
    """

    nats: float
    text: EncodedText

    @property
    def perplexity(self) -> float:
        """How many equally likely tokens would leave as much to guess."""
        return RATIOS["perplexity"].of(self.nats, self.text.predicted)

    @property
    def bits_per_byte(self) -> float:
        """Bits that the text takes, a byte of UTF-8; other than perplexity, to be compared across tokenizers.

        Only where no words are unknown, though: these cost little. The first token costs nothing.
        """
        return RATIOS["bits_per_byte"].of(self.nats, self.text.bytes)

    @property
    def bits_per_character(self) -> float:
        """Bits that the text takes, a character; as `bits_per_byte`."""
        return RATIOS["bits_per_character"].of(self.nats, self.text.characters)


def segments(text: EncodedText, segment: int) -> int:
    """How many segments of `segment` tokens the text is read in; its last token is predicted, not read."""
    return -(-text.predicted // segment)


@torch.no_grad()
def segment_losses(
    model: Any, accelerator: Accelerator, text: EncodedText, *, segment: int, memory: int
) -> Iterator[Tensor]:
    """The losses of each segment's tokens [tokens] in nats, one segment after the other.

    Each token but the text's first is predicted once; a segment's last token predicts the next one's first.

    Args:
        model: A language model with a memory and `token_losses`, on the accelerator's device.
        accelerator: Devices and precision.
        text: The text.
        segment: Tokens in a segment.
        memory: Most states of each layer that a segment sees of those before it; 0: none.
    """
    model.eval()
    reader = NextInSegments(
        model,
        accelerator,
        segment=segment,
        memory=memory,
        gradient_segments=1,
        word_losses=lambda model, states, words: model.token_losses(states, words),
    )
    ids = torch.tensor([text.ids], device=accelerator.device)
    everything = torch.ones_like(ids[:, 1:])
    texts = Texts({"input_ids": ids[:, :-1], "attention_mask": everything}, [text.predicted], segment)
    for losses in reader.read(texts, reader.reduce_to_losses(ids[:, 1:], everything.bool())):
        yield losses[0]

"""Perplexity of language models: a text is read segment by segment, each with a memory of the previous ones.

Source: Dai et al. 2019, section 4. The memory may have any length: a longer one than in training still helps (section
4.1).
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
        ids: Ids of the tokens, without special tokens.
        unknown: Number of tokens that replace a word outside the vocabulary.
        characters: Number of characters of the text.
        bytes: Number of bytes of the text in UTF-8.
    """

    ids: Sequence[int]
    unknown: int
    characters: int
    bytes: int

    @property
    def predicted(self) -> int:
        """Number of tokens that follow another."""
        return len(self.ids) - 1


@dataclass(frozen=True)
class Surprise:
    """The loss of a causal language model on a text.

    Attributes:
        nats: Negative log-probability of all tokens except the first, which follows nothing.
        text: The text.
    """

    nats: float
    text: EncodedText

    @property
    def perplexity(self) -> float:
        """Perplexity per token: the number of equally likely tokens with the same uncertainty."""
        return RATIOS["perplexity"].of(self.nats, self.text.predicted)

    @property
    def bits_per_byte(self) -> float:
        """Bits per byte of UTF-8, which unlike perplexity can be compared across tokenizers.

        Only without unknown words, however, as these cost little. The first token costs nothing.
        """
        return RATIOS["bits_per_byte"].of(self.nats, self.text.bytes)

    @property
    def bits_per_character(self) -> float:
        """Bits per character; see `bits_per_byte`."""
        return RATIOS["bits_per_character"].of(self.nats, self.text.characters)


def segments(text: EncodedText, segment: int) -> int:
    """Return the number of segments of a text, whose last token is predicted but not read."""
    return -(-text.predicted // segment)


@torch.no_grad()
def segment_losses(
    model: Any, accelerator: Accelerator, text: EncodedText, *, segment: int, memory: int
) -> Iterator[Tensor]:
    """Yield the losses of each segment's tokens [tokens] in nats.

    Each token except the text's first is predicted once; a segment's last token predicts the first one of the next.

    Args:
        model: A language model with a memory and `token_losses`, on the accelerator's device.
        accelerator: Devices and precision.
        text: The text.
        segment: Number of tokens in a segment.
        memory: Maximum number of states per layer that a segment sees of previous ones, or 0.
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

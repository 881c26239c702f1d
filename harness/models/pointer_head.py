"""Pointer: predict an answer span from the last state, for models that read from left to right."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# A remark for the record of a run with a pointer.
NOTE = "reads its text, or the segments of it, from left to right: answers are pointed at from the last state"


class Pointer(nn.Module):
    """Predicts start and end of an answer by attention from the last state of a text.

    A left-to-right model does not know what follows a token, so a head on each token cannot use evidence to the right
    of an answer. The last state has seen the whole text, and attends to the position of the answer: pointer networks,
    Vinyals et al. 2015 (arXiv 1506.03134, section 2.3).

    Theirs is additive attention, v · tanh(W1 state + W2 last). This is bilinear, state · (W last + b) / sqrt(width),
    with separate W and b for starts and ends. A key projection would only be multiplied into W, and would need another
    vector per token of a possibly long text. States are normalised, so with weights of the usual small size the initial
    scores are almost uniform. harness/models/README.md compares the alternatives.

    Args:
        width: The width of the states.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.start = nn.Linear(width, width)
        self.end = nn.Linear(width, width)

    def forward(self, states: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """Score each token as start and as end of the answer [texts, length] each.

        Args:
            states: States of all tokens [texts, length, width].
            last: State of the last real token [texts, width].
        """
        scale = math.sqrt(states.shape[-1])
        start, end = (torch.einsum("nlw,nw->nl", states, query(last)) / scale for query in (self.start, self.end))
        return start, end


def pointer_logits(pointer: Pointer, states: Tensor, attention_mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the scores of `pointer` for whole texts [texts, length] each, with the minimum value on padding.

    Args:
        pointer: The pointer.
        states: States of all tokens [texts, length, width].
        attention_mask: 1 for real tokens [texts, length]; None if all are.
    """
    if attention_mask is None:
        start, end = pointer(states, states[:, -1])
        return start, end
    real = attention_mask.bool()
    start, end = pointer(states, states[torch.arange(states.shape[0], device=states.device), last_real(real)])
    lowest = torch.finfo(start.dtype).min
    return start.masked_fill(~real, lowest), end.masked_fill(~real, lowest)


def last_real(real: Tensor) -> Tensor:
    """Return the index of each text's last real token [texts], given a mask [texts, length]; the last if none is."""
    places = torch.arange(real.shape[1], device=real.device)
    return torch.where(real.any(dim=1), (places * real).argmax(dim=1), places[-1])

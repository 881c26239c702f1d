"""Pointing at an answer from the last state, for models that read from left to right."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# What a reader of a run's record should know of a model with a pointer.
NOTE = "reads its text, or the segments of it, from left to right: answers are pointed at from the last state"


class Pointer(nn.Module):
    """The start and the end of an answer, by attention from the last state of a text.

    A token that was read from left to right does not know what comes after it, so a head on each token can't use
    evidence to the right of an answer. The last state has seen all of the text, and attends to where the answer is:
    pointer networks, Vinyals et al. 2015 (arXiv 1506.03134, section 2.3).

    Theirs is additive attention, v · tanh(W1 state + W2 last). This is bilinear, state · (W last + b) / sqrt(width),
    with a W and b for starts and others for ends. A key map of its own would only be multiplied into W, and would make
    one more vector of each token of a text that may be long. States are normalised, so with weights of the usual small
    size the first scores are all but even. harness/models/README.md has the three side by side.

    Args:
        width: Of the states.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.start = nn.Linear(width, width)
        self.end = nn.Linear(width, width)

    def forward(self, states: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """That the answer starts, and that it ends, at each token [texts, length] each.

        Args:
            states: Of all tokens [texts, length, width].
            last: Of the last real token [texts, width].
        """
        scale = math.sqrt(states.shape[-1])
        start, end = (torch.einsum("nlw,nw->nl", states, query(last)) / scale for query in (self.start, self.end))
        return start, end


def pointer_logits(pointer: Pointer, states: Tensor, attention_mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """What `pointer` says of whole texts [texts, length] each; on padding the lowest number there is.

    Args:
        pointer: The pointer.
        states: Of all tokens [texts, length, width].
        attention_mask: 1 for real tokens [texts, length]; None: all are.
    """
    if attention_mask is None:
        start, end = pointer(states, states[:, -1])
        return start, end
    real = attention_mask.bool()
    start, end = pointer(states, states[torch.arange(states.shape[0], device=states.device), last_real(real)])
    lowest = torch.finfo(start.dtype).min
    return start.masked_fill(~real, lowest), end.masked_fill(~real, lowest)


def last_real(real: Tensor) -> Tensor:
    """The place of each text's last real token [texts], from what is real [texts, length]; the last where none is."""
    places = torch.arange(real.shape[1], device=real.device)
    return torch.where(real.any(dim=1), (places * real).argmax(dim=1), places[-1])

"""Boundaries: where each text starts and ends among texts that are laid end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from harness.ops.device import to_device

# A block's attention weights, a head: few enough to stay in a processor's cache.
BLOCK_WEIGHTS = 160_000


@dataclass(frozen=True)
class Block:
    """Texts of nearly the same length, side by side.

    Attributes:
        texts: Which ones [texts].
        tokens: Where their tokens lie [texts, longest]; a shorter text's last one is repeated.
        real: False on what is repeated [texts, longest].
        mask: Added to the scores of attention [texts, 1, 1, longest]: -inf on what is repeated; None: nothing is.
    """

    texts: Tensor
    tokens: Tensor
    real: Tensor
    mask: Tensor | None

    def on(self, device: torch.device) -> Block:
        """The block on a device."""
        parts = (self.texts, self.tokens, self.real, self.mask)
        return Block(*(None if part is None else to_device(part, device) for part in parts))  # type: ignore[arg-type]


@dataclass(frozen=True)
class SequenceBoundaries:
    """Where each text starts and ends. What is worked out of it serves all layers.

    Attributes:
        lengths: Tokens of each text, at least one.
        device: Where the tokens are.
        groups: Which texts are taken side by side; None: those of nearly the same length.
    """

    lengths: Sequence[int]
    device: torch.device
    groups: Sequence[Sequence[int]] | None = None

    @cached_property
    def starts(self) -> Tensor:
        """Where each text starts, and where the last one ends [texts + 1], in the form that kernels want."""
        return to_device(self._starts.int(), self.device)

    @cached_property
    def text_starts(self) -> Tensor:
        """The same where each text has one query."""
        return torch.arange(len(self.lengths) + 1, device=self.device, dtype=torch.int32)

    @cached_property
    def first_tokens(self) -> Tensor:
        """Where each text's first token lies [texts]."""
        return to_device(self._starts[:-1], self.device)

    @cached_property
    def blocks(self) -> list[Block]:
        """All texts, in blocks with little padding."""
        return [block.on(self.device) for block in self._blocks]

    @cached_property
    def order(self) -> Tensor:
        """The tokens of all blocks, one block after the other."""
        return to_device(self._order, self.device)

    @cached_property
    def places(self) -> Tensor:
        """Where each token lies in `order` [total]."""
        real = torch.cat([block.real.flatten() for block in self._blocks]).nonzero()[:, 0]
        return to_device(real[self._order[real].argsort()], self.device)

    @cached_property
    def text_order(self) -> Tensor:
        """The texts of all blocks, one block after the other [texts]."""
        return torch.cat([block.texts for block in self.blocks])

    def means(self, states: Tensor) -> Tensor:
        """Each text's mean [texts, width] of its tokens' states [total, width], summed in 32 bits."""
        lengths = torch.tensor(self.lengths)
        text = to_device(torch.arange(len(self.lengths)).repeat_interleave(lengths), self.device)
        sums = torch.zeros(len(self.lengths), states.shape[1], device=self.device)
        return (sums.index_add(0, text, states.float()) / to_device(lengths, self.device)[:, None]).to(states.dtype)

    # Worked out on the host, so that nothing waits for a GPU to say how long a text is.

    @cached_property
    def _starts(self) -> Tensor:
        return torch.tensor([0, *self.lengths]).cumsum(0)

    @cached_property
    def _blocks(self) -> list[Block]:
        return [self._block(texts) for texts in self.groups or grouped(self.lengths)]

    @cached_property
    def _order(self) -> Tensor:
        return torch.cat([block.tokens.flatten() for block in self._blocks])

    def _block(self, texts: Sequence[int]) -> Block:
        chosen = torch.tensor(texts)
        lengths = torch.tensor([self.lengths[text] for text in texts])[:, None]
        steps = torch.arange(int(lengths.max()))
        tokens = self._starts[chosen][:, None] + steps.minimum(lengths - 1)
        real = steps < lengths
        if real.all():
            return Block(chosen, tokens, real, None)
        mask = torch.zeros(tokens.shape).masked_fill(~real, -torch.inf)
        return Block(chosen, tokens, real, mask[:, None, None])


@dataclass(frozen=True)
class PairBoundaries:
    """Of sources laid end to end, and of what is written from each of them, laid end to end likewise.

    Attributes:
        sources: Of the sources.
        written: Of what is written.
    """

    sources: SequenceBoundaries
    written: SequenceBoundaries

    @cached_property
    def across(self) -> tuple[SequenceBoundaries, SequenceBoundaries]:
        """Of what is written and of the sources, in the same groups, for attention from the ones to the others."""
        lengths = [max(pair) for pair in zip(self.sources.lengths, self.written.lengths, strict=True)]
        groups = grouped(lengths)
        written, sources = (replace(side, groups=groups) for side in (self.written, self.sources))
        return written, sources


def grouped(lengths: Sequence[int]) -> list[list[int]]:
    """Texts in groups of nearly the same length, each small enough to be one block.

    >>> grouped([5, 30, 6, 31])
    [[0, 2], [1, 3]]
    """
    groups: list[list[int]] = []
    for text in sorted(range(len(lengths)), key=lengths.__getitem__):
        # A few tokens of padding cost less than another handful of small operations.
        near = bool(groups) and lengths[text] <= 1.25 * lengths[groups[-1][0]] + 2
        if near and (len(groups[-1]) + 1) * lengths[text] ** 2 <= BLOCK_WEIGHTS:
            groups[-1].append(text)
        else:
            groups.append([text])
    return groups

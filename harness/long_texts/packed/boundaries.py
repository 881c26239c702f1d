"""Boundaries: start and end of each text in concatenated texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from harness.ops.device import to_device

# Attention weights of a block per head: few enough to fit into a processor's cache.
BLOCK_WEIGHTS = 160_000


@dataclass(frozen=True)
class Block:
    """Texts of similar length, as rows.

    Attributes:
        texts: Indices of the texts [texts].
        tokens: Indices of their tokens [texts, longest]; the last one of a shorter text is repeated.
        real: False for repeated tokens [texts, longest].
        mask: Added to attention scores [texts, 1, 1, longest]: -inf for repeated tokens; None if there are none.
    """

    texts: Tensor
    tokens: Tensor
    real: Tensor
    mask: Tensor | None

    def on(self, device: torch.device) -> Block:
        """Return the block on a device."""
        parts = (self.texts, self.tokens, self.real, self.mask)
        return Block(*(None if part is None else to_device(part, device) for part in parts))  # type: ignore[arg-type]


@dataclass(frozen=True)
class SequenceBoundaries:
    """Start and end of each text. Derived tensors are computed once for all layers.

    Attributes:
        lengths: Number of tokens of each text, at least one.
        device: The device of the tokens.
        groups: Texts to put into the same block; None to group texts of similar length.
    """

    lengths: Sequence[int]
    device: torch.device
    groups: Sequence[Sequence[int]] | None = None

    @cached_property
    def starts(self) -> Tensor:
        """Start of each text and end of the last one [texts + 1], in the type that kernels need."""
        return to_device(self._starts.int(), self.device)

    @cached_property
    def text_starts(self) -> Tensor:
        """As `starts`, if each text has one query."""
        return torch.arange(len(self.lengths) + 1, device=self.device, dtype=torch.int32)

    @cached_property
    def first_tokens(self) -> Tensor:
        """Index of each text's first token [texts]."""
        return to_device(self._starts[:-1], self.device)

    @cached_property
    def blocks(self) -> list[Block]:
        """All texts, in blocks with little padding."""
        return [block.on(self.device) for block in self._blocks]

    @cached_property
    def order(self) -> Tensor:
        """Indices of the tokens of all blocks, in order of the blocks."""
        return to_device(self._order, self.device)

    @cached_property
    def places(self) -> Tensor:
        """Index of each token in `order` [total]."""
        real = torch.cat([block.real.flatten() for block in self._blocks]).nonzero()[:, 0]
        return to_device(real[self._order[real].argsort()], self.device)

    @cached_property
    def text_order(self) -> Tensor:
        """Indices of the texts of all blocks, in order of the blocks [texts]."""
        return torch.cat([block.texts for block in self.blocks])

    def means(self, states: Tensor) -> Tensor:
        """Average the states [total, width] of each text's tokens [texts, width], summed in 32 bits."""
        lengths = torch.tensor(self.lengths)
        text = to_device(torch.arange(len(self.lengths)).repeat_interleave(lengths), self.device)
        sums = torch.zeros(len(self.lengths), states.shape[1], device=self.device)
        return (sums.index_add(0, text, states.float()) / to_device(lengths, self.device)[:, None]).to(states.dtype)

    # Computed on the host, to avoid waiting for a GPU.

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
    """Boundaries of concatenated sources and of the concatenated targets generated from them.

    Attributes:
        sources: Boundaries of the sources.
        written: Boundaries of the targets.
    """

    sources: SequenceBoundaries
    written: SequenceBoundaries

    @cached_property
    def across(self) -> tuple[SequenceBoundaries, SequenceBoundaries]:
        """Boundaries of targets and sources in the same groups, for cross-attention."""
        lengths = [max(pair) for pair in zip(self.sources.lengths, self.written.lengths, strict=True)]
        groups = grouped(lengths)
        written, sources = (replace(side, groups=groups) for side in (self.written, self.sources))
        return written, sources


def grouped(lengths: Sequence[int]) -> list[list[int]]:
    """Group texts of similar length, so that each group fits into one block.

    >>> grouped([5, 30, 6, 31])
    [[0, 2], [1, 3]]
    """
    groups: list[list[int]] = []
    for text in sorted(range(len(lengths)), key=lengths.__getitem__):
        # A few tokens of padding cost less than several more small operations.
        near = bool(groups) and lengths[text] <= 1.25 * lengths[groups[-1][0]] + 2
        if near and (len(groups[-1]) + 1) * lengths[text] ** 2 <= BLOCK_WEIGHTS:
            groups[-1].append(text)
        else:
            groups.append([text])
    return groups

"""The memory between segments: Dai et al. 2019, section 3.2.

A layer's memory contains its inputs [kept, batch, d_model]; sequence first, as in published models.

An extension: texts of a batch may differ in length. Padding never enters the memory; each text keeps its own last
states, directly before the next segment, and a mask marks them. A padded text thus continues as it would alone. Without
an attention mask everything counts, as published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.models.families.transformer_xl.configuration import TransformerXLConfig


@dataclass(frozen=True)
class Memory:
    """States of previous segments.

    Attributes:
        states: One tensor per layer [kept, batch, d_model].
        real: Which states belong to a text [batch, kept]; None if all do.
    """

    states: tuple[Tensor, ...]
    real: Tensor | None = None

    @property
    def kept(self) -> int:
        """Number of states per layer."""
        return self.states[0].shape[0]


def first_memory(config: TransformerXLConfig, hidden: Tensor) -> Memory:
    """Return the memory of a first segment `hidden` [batch, length, d_model]: zeros or empty, as configured."""
    kept = config.mem_len if config.memory_start == "zeros" else 0
    state = hidden.new_zeros(kept, hidden.shape[0], config.d_model)
    return Memory((state,) * config.n_layer)


def check_memory(config: TransformerXLConfig, mems: Sequence[Tensor] | None) -> None:
    """Reject anything that is not a memory, such as an attention mask in its place.

    Raises:
        ValueError: If it is not one tensor [kept, batch, d_model] per layer.
    """
    if mems is None:
        return
    if isinstance(mems, Tensor) or len(mems) != config.n_layer or any(state.dim() != 3 for state in mems):
        raise ValueError(
            f"mems: must be {config.n_layer} tensors [kept, batch, d_model], one per layer, as a segment before "
            "returned them. An attention mask is given by name: attention_mask=..."
        )


@dataclass(frozen=True)
class Keys:
    """The keys of a segment: its memory, followed by the segment.

    Attributes:
        memory: The memory.
        length: Number of positions in the segment.
        real: Which keys count [batch, kept + length]; None if all do.
        order: A permutation of the keys [batch, kept + length], or None. Left padding of a segment is moved before the
            memory, so that it does not add to the distances between text and memory.
    """

    memory: Memory
    length: int
    real: Tensor | None = None
    order: Tensor | None = None

    @property
    def count(self) -> int:
        """Number of keys."""
        return self.memory.kept + self.length

    def of_layer(self, index: int, hidden: Tensor) -> Tensor:
        """Concatenate memory and segment of a layer [batch, kept + length, d_model], in the order of the keys."""
        if self.memory.kept == 0:
            return hidden
        joined = torch.cat([self.memory.states[index].transpose(0, 1).to(hidden.dtype), hidden], dim=1)
        return joined if self.order is None else _picked(joined, self.order)

    def visible(self, config: TransformerXLConfig, device: torch.device) -> Tensor:
        """Return which keys each query sees [batch or 1, 1, length, kept + length].

        These are its own and previous positions; with `same_length`, only the last mem_len of them.
        """
        queries = torch.arange(self.memory.kept, self.count, device=device).unsqueeze(-1)
        distances = queries - torch.arange(self.count, device=device)
        seen = distances >= 0
        if config.same_length:
            seen &= distances < config.mem_len
        if self.real is None:
            return seen[None, None]
        real = self.real if self.order is None else self.real.gather(1, self.order)
        return seen[None, None] & real[:, None, None]

    def mask(self, config: TransformerXLConfig, hidden: Tensor) -> Tensor:
        """Return the mask added to scores: 0 for visible keys, half the minimum value for others.

        Half, so that adding a score does not overflow. Its type is that of scores of `hidden`.
        """
        device = hidden.device
        half = torch.is_autocast_enabled(device.type)
        dtype = torch.get_autocast_dtype(device.type) if half else hidden.dtype
        visible = self.visible(config, device)
        return torch.zeros(visible.shape, dtype=dtype, device=device).masked_fill(~visible, torch.finfo(dtype).min / 2)


def keys_of(memory: Memory, hidden: Tensor, attention_mask: Tensor | None) -> Keys:
    """Return the keys of a segment `hidden` [batch, length, d_model], given a mask [batch, length] of real tokens."""
    batch, length = hidden.shape[:2]
    if attention_mask is None and memory.real is None:
        return Keys(memory, length)
    all_of = torch.ones(batch, memory.kept + length, dtype=torch.bool, device=hidden.device)
    before = all_of[:, : memory.kept] if memory.real is None else memory.real.bool()
    inside = all_of[:, memory.kept :] if attention_mask is None else attention_mask.bool()
    real = torch.cat([before, inside], dim=1)
    # A compiler cannot read the mask's values. The general order is the same without padding on the left.
    if memory.kept == 0 or (not torch.compiler.is_compiling() and bool(inside[:, 0].all())):
        return Keys(memory, length, real)
    leading = inside.cumsum(dim=1) == 0
    order = torch.cat([before, ~leading], dim=1).int().argsort(dim=1, stable=True)
    return Keys(memory, length, real, order)


def next_memory(keys: Keys, inputs: Sequence[Tensor], longest: int) -> Memory | None:
    """Return the last `longest` states of memory and segment, without their graph, or None if nothing is kept.

    Args:
        keys: The keys of the segment.
        inputs: The input of each layer [batch, length, d_model].
        longest: Maximum number of states to keep.
    """
    if longest == 0:
        return None
    order = None if keys.real is None else keys.real.int().argsort(dim=1, stable=True)
    states = []
    for state, hidden in zip(keys.memory.states, inputs, strict=True):
        joined = torch.cat([state.transpose(0, 1).to(hidden.dtype), hidden], dim=1).detach()
        joined = joined if order is None else _picked(joined, order)
        states.append(joined[:, -longest:].transpose(0, 1))
    real = None if keys.real is None or order is None else keys.real.gather(1, order)[:, -longest:]
    return Memory(tuple(states), real)


def _picked(states: Tensor, order: Tensor) -> Tensor:
    return states.gather(1, order.unsqueeze(-1).expand_as(states))

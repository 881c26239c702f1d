"""Memory of previous segments: the last input states of each layer.

Source: Dai et al. 2019, section 3.2. Every model with a memory accepts it as `mems` [states, texts, width] per layer,
and returns the states as `hidden_states`. The memory is kept here, with its graph, and with any length, whatever the
model's configuration has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def first_memory(model: Any, texts: int, longest: int) -> list[Tensor]:
    """Return the memory for a first segment: empty, or `longest` zeros if the model's configuration requires it.

    Returns:
        One tensor per layer [0 or longest, texts, width].
    """
    config = model.config
    kept = longest if getattr(config, "memory_start", "empty") == "zeros" else 0
    nothing = torch.zeros(kept, texts, config.hidden_size, device=model.device, dtype=model.dtype)
    return [nothing] * config.num_hidden_layers


def read_segment(
    model: Any, inputs: Mapping[str, Tensor], memory: list[Tensor], *, longest: int
) -> tuple[Tensor, list[Tensor]]:
    """Return the states of a segment [texts, length, width], and the memory for the next one.

    Args:
        model: A transformers model with a memory.
        inputs: The segment: input_ids and other inputs [texts, length].
        memory: One tensor per layer [kept, texts, width].
        longest: Maximum number of states kept per layer, or 0.
    """
    output = model.base_model(**inputs, mems=memory, use_mems=False, output_hidden_states=True)
    layers = output.hidden_states[:-1]
    kept = [_last(longest, old, new) for old, new in zip(memory, layers, strict=True)]
    return output.last_hidden_state, kept


def _last(longest: int, old: Tensor, new: Tensor) -> Tensor:
    """Return the last states of a layer's memory and a segment [texts, length, width]."""
    joined = torch.cat([old, new.transpose(0, 1).to(old.dtype)])
    return joined[max(len(joined) - longest, 0) :]

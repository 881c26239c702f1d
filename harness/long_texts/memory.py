"""What a segment sees of those before it: of each layer, the last states that went into it.

Source: Dai et al. 2019, section 3.2. Every model with a memory takes it as `mems` [states, texts, width] a layer, and
shows it as `hidden_states`. So it is kept here, whatever length the model's configuration names, and with its graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def first_memory(model: Any, texts: int, longest: int) -> list[Tensor]:
    """What a first segment sees: nothing, or `longest` zeros where the model's configuration wants them.

    Args:
        model: A transformers model with a memory.
        texts: How many are read side by side.
        longest: Most states that are kept of a layer.

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
    """The states of a segment [texts, length, width], and the memory for the next one.

    Args:
        model: A transformers model with a memory.
        inputs: The segment: input_ids and what goes with them [texts, length].
        memory: One tensor per layer [kept, texts, width].
        longest: Most states that are kept of a layer; 0: none.
    """
    output = model.base_model(**inputs, mems=memory, use_mems=False, output_hidden_states=True)
    layers = output.hidden_states[:-1]
    kept = [_last(longest, old, new) for old, new in zip(memory, layers, strict=True)]
    return output.last_hidden_state, kept


def _last(longest: int, old: Tensor, new: Tensor) -> Tensor:
    """The last states of a layer's memory and of a segment [texts, length, width]."""
    joined = torch.cat([old, new.transpose(0, 1).to(old.dtype)])
    return joined[max(len(joined) - longest, 0) :]

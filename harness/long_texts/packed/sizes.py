"""Packed batches of only a few different sizes, where each size would need kernels of its own.

oneDNN, which multiplies bf16 matrices on a CPU, generates code for each shape of a product: a few milliseconds for each
of some nine products per number of tokens. It keeps the last 1,024. Packed batches seldom have the same number of
tokens twice, so a small model would spend up to a third of its time on this. Therefore some tokens are appended, as
one more text that nothing reads.
Source: oneDNN developer guide, "Primitive Cache".
"""

from __future__ import annotations

import torch
from accelerate import Accelerator
from torch import Tensor

from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.ops.device import to_device

SIZES_PER_OCTAVE = 32  # Between a number of tokens and its double: filler is at most 3 % of 256 tokens or more.
LEAST_STEP = 8


def filler_length(total: int, accelerator: Accelerator) -> int:
    """Return how many tokens to append to a packed batch: at least 1 in bf16 on a CPU, else 0.

    Args:
        total: Number of tokens of the batch.
        accelerator: The device and the precision of its matrix products.
    """
    if accelerator.device.type != "cpu" or accelerator.mixed_precision != "bf16":
        return 0
    octave = 1 << (total.bit_length() - 1)
    step = max(LEAST_STEP, octave // SIZES_PER_OCTAVE)
    return step - total % step


def filled_boundaries(kept: Tensor, accelerator: Accelerator) -> SequenceBoundaries:
    """Return the boundaries of texts whose tokens are `kept` [texts, length], then of filler if it is needed."""
    lengths = kept.sum(1).tolist()
    filler = filler_length(sum(lengths), accelerator)
    return SequenceBoundaries([*lengths, filler] if filler else lengths, accelerator.device)


def filled(tokens: Tensor, boundaries: SequenceBoundaries) -> Tensor:
    """Return tokens [total] as a packed batch on the device [1, total with filler]; filler repeats the first token."""
    filler = tokens[:1].expand(sum(boundaries.lengths) - len(tokens))
    return to_device(torch.cat([tokens, filler])[None], boundaries.device)

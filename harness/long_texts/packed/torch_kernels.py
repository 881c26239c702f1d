"""Packed attention with torch's own kernels for sequences of varying lengths, on GPUs.

They are those of flash attention (Dao 2023, "FlashAttention-2"), in two interfaces: `varlen_attn`, which supports
windows but not dropout, and scaled dot product attention of jagged tensors, which supports dropout but not windows.
Neither has been run on a GPU. Each is therefore compared with plain attention on a few numbers before its first use,
and not used if it fails or differs.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.nn import functional

from harness.errors import notice
from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.long_texts.packed.plain import plain_attention

Attention = Callable[..., Tensor]
HALVES = (torch.float16, torch.bfloat16)
CLOSE = 0.02  # For outputs of magnitude one, in 16 bits.


def serving(query: Tensor, *, dropout: float, reach: int | None, one_each: bool) -> Attention | None:
    """Return a kernel that computes attention for such queries, or None."""
    if not query.is_cuda or query.dtype not in HALVES or query.shape[-1] % 8:
        return None
    if reach is not None and (dropout > 0 or one_each):  # Kernels assume that a single query is a text's last token.
        return None
    kernels = [*([varlen_attention] if dropout == 0 else []), *([jagged_attention] if reach is None else [])]
    return next((kernel for kernel in kernels if works(kernel, query.device, query.dtype, query.shape[-1])), None)


def varlen_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    boundaries: SequenceBoundaries,
    *,
    scaling: float,
    dropout: float,
    reach: int | None = None,
) -> Tensor:
    """Implement `packed_attention` without dropout."""
    kernel = _varlen()
    assert kernel is not None
    assert dropout == 0, dropout
    queries, keys, values = (states[0].transpose(0, 1) for states in (query, key, value))
    longest, starts, longest_asking = max(boundaries.lengths), *_asking(query, boundaries)
    window = (-1, -1) if reach is None else (reach, reach)
    sums = kernel(
        queries, keys, values, starts, boundaries.starts, longest_asking, longest, scale=scaling, window_size=window
    )
    return sums[None]


def jagged_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    boundaries: SequenceBoundaries,
    *,
    scaling: float,
    dropout: float,
    reach: int | None = None,
) -> Tensor:
    """Implement `packed_attention` without reach."""
    assert reach is None, reach
    lengths = boundaries.lengths
    starts, longest = _asking(query, boundaries)
    shortest = 1 if longest == 1 else min(lengths)
    asking = _jagged(query, starts, shortest, longest)
    keys, values = (_jagged(states, boundaries.starts, min(lengths), max(lengths)) for states in (key, value))
    sums = functional.scaled_dot_product_attention(asking, keys, values, dropout_p=dropout, scale=scaling)
    return sums.transpose(1, 2).values()[None]


def _asking(query: Tensor, boundaries: SequenceBoundaries) -> tuple[Tensor, int]:
    """Return the start of each text's queries, and the maximum number of queries per text."""
    if query.shape[2] == len(boundaries.lengths):
        return boundaries.text_starts, 1
    return boundaries.starts, max(boundaries.lengths)


def _jagged(states: Tensor, starts: Tensor, shortest: int, longest: int) -> Tensor:
    """Convert [1, heads, total, width] to a jagged tensor [texts, heads, its tokens, width]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that jagged tensors are a prototype.
        laid = torch.nested.nested_tensor_from_jagged(
            states[0].transpose(0, 1).contiguous(), starts.long(), min_seqlen=shortest, max_seqlen=longest
        )
    return laid.transpose(1, 2)


@cache
def works(kernel: Attention, device: torch.device, dtype: torch.dtype, width: int) -> bool:
    """Whether a kernel agrees with plain attention on a few numbers, forward and backward; tested once."""
    if kernel is varlen_attention and _varlen() is None:
        return False
    boundaries = SequenceBoundaries((3, 1, 5), device)
    drawn = torch.Generator().manual_seed(0)
    states = [torch.randn(1, 2, 9, width, generator=drawn).to(device, dtype).requires_grad_() for _ in range(3)]
    try:
        # This test runs once, so it saves no tensors when `checkpoint` recomputes a pass, which `checkpoint` would take
        # for an error. These hooks of our own hide them from it.
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(_kept, _kept):
            pairs = [*zip(*(_probed(attend, states, boundaries) for attend in (kernel, plain_attention)), strict=True)]
        agrees = all(bool((one - other).abs().max() <= CLOSE) for one, other in pairs)
        why = "its numbers differ from plain attention's"
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
        agrees, why = False, str(error).splitlines()[0]
    if not agrees:
        notice(f"torch's attention kernel {kernel.__name__} is not used on this GPU: {why}")
    return agrees


def _kept(tensor: Tensor) -> Tensor:
    return tensor


def _probed(attend: Attention, states: list[Tensor], boundaries: SequenceBoundaries) -> list[Tensor]:
    """Return the outputs, and the gradients of their squares."""
    sums = attend(*states, boundaries, scaling=states[0].shape[-1] ** -0.5, dropout=0.0)
    return [sums.detach(), *torch.autograd.grad(sums.float().square().mean(), states)]


@cache
def _varlen() -> Attention | None:
    """Return torch's function if it has scale and windows, else None."""
    if find_spec("torch.nn.attention.varlen") is None:
        return None
    function: Attention = import_module("torch.nn.attention.varlen").varlen_attn
    return function if {"scale", "window_size"} <= {*inspect.signature(function).parameters} else None

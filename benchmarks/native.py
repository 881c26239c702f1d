"""How much time the native kernels save compared with plain torch, forward and backward, on one thread.

    python benchmarks/native.py                # --repeats 30 for steadier numbers

prints one line per case: milliseconds of processor time, the best of several repeats in turns, and how many times as
long the alternatives take. Lengths are drawn once, with the means of SST-2, MNLI and SQuAD; dropout is 0.1. The fused
norm is bound by memory: a part of its time, and of its alternative's, is spent on new pages for results of this size.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import dropout, layer_norm, scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence

from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.long_texts.packed.plain import plain_attention
from harness.ops import native

DROPOUT = 0.1
LENGTHS = {"SST-2": (14, 60, 64), "MNLI": (38, 128, 32), "SQuAD": (154, 384, 16)}  # Mean, longest, sequences.
HEADS = 12
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
Step = Callable[[], object]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    if reason := native.unavailable():
        raise SystemExit(reason)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, (mean, longest, sequences) in LENGTHS.items():
        # A gamma distribution of this shape has a spread like that of real lengths: half its mean.
        drawn = torch.distributions.Gamma(4.0, 4.0 / mean).sample((sequences,))
        lengths = drawn.long().clamp(2, longest).tolist()
        for width in (32, 64):
            for kind, numbers in TYPES.items():
                report(f"attention, {name}, {HEADS} x {width}, {kind}", attention(lengths, width, numbers), repeats)
    for rows, width in ((1000, 384), (4096, 768)):
        for kind, numbers in TYPES.items():
            report(f"dropout + add + norm, [{rows}, {width}], {kind}", norm(rows, width, numbers), repeats)
            report(f"dropout, [{rows}, {width}], {kind}", drop(rows, width, numbers), repeats)


def report(case: str, steps: Mapping[str, Step], repeats: int) -> None:
    """Print what each step takes, and its ratio to the first."""
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(repeats):  # In turn, so that what else the machine does meets all alike.
        for name, step in steps.items():
            start = time.thread_time()
            step()
            best[name] = min(best[name], (time.thread_time() - start) * 1000)
    first = next(iter(best.values()))
    columns = [f"{name} {milliseconds:.2f} ms ({milliseconds / first:.1f} x)" for name, milliseconds in best.items()]
    print(f"{case:44}", *columns, sep="  ")


def attention(lengths: list[int], width: int, numbers: torch.dtype) -> Mapping[str, Step]:
    """One layer's attention, four ways."""
    tensors = [torch.randn(sum(lengths), HEADS, width).to(numbers).requires_grad_() for _ in range(3)]
    slope = torch.randn(sum(lengths), HEADS, width).to(numbers)
    boundaries = SequenceBoundaries(lengths, torch.device("cpu"))
    padding = pad_sequence([torch.ones(length, dtype=torch.bool) for length in lengths], batch_first=True)
    scaling = width**-0.5

    def kernels(*tensors: Tensor) -> Tensor:
        return native.attention(*tensors, boundaries.starts, scaling=scaling, dropout=DROPOUT)

    def blocks(*tensors: Tensor) -> Tensor:
        heads_first = [tensor.transpose(0, 1)[None] for tensor in tensors]
        return plain_attention(*heads_first, boundaries, scaling=scaling, dropout=DROPOUT)[0]

    def each(*tensors: Tensor) -> Tensor:
        sequences = zip(*(tensor.transpose(0, 1)[None].split(lengths, dim=2) for tensor in tensors), strict=True)
        sums = [scaled_dot_product_attention(*parts, dropout_p=DROPOUT) for parts in sequences]
        return torch.cat(sums, 2)[0].transpose(0, 1)

    def padded(*tensors: Tensor) -> Tensor:
        side_by_side = [pad_sequence(tensor.split(lengths), batch_first=True).transpose(1, 2) for tensor in tensors]
        sums = scaled_dot_product_attention(*side_by_side, attn_mask=padding[:, None, None], dropout_p=DROPOUT)
        return sums.transpose(1, 2)[padding]

    named = {"native": kernels, "plain packed": blocks, "SDPA a sequence": each, "SDPA padded": padded}
    return {name: partial(there_and_back, function, tensors, slope) for name, function in named.items()}


def norm(rows: int, width: int, numbers: torch.dtype) -> Mapping[str, Step]:
    """The end of half a layer: hidden states of a type, on a residual of 32 bits, as under autocast."""
    hidden = torch.randn(rows, width).to(numbers).requires_grad_()
    residual = torch.randn(rows, width, requires_grad=True)
    tensors = [hidden, residual, torch.ones(width, requires_grad=True), torch.zeros(width, requires_grad=True)]

    def plain(hidden: Tensor, residual: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return layer_norm(residual + dropout(hidden, DROPOUT), (width,), weight, bias, 1e-12)

    fused = partial(native.dropout_add_norm, epsilon=1e-12, dropout=DROPOUT)
    slope = torch.randn(rows, width)
    named = {"native": fused, "plain": plain}
    return {name: partial(there_and_back, function, tensors, slope) for name, function in named.items()}


def drop(rows: int, width: int, numbers: torch.dtype) -> Mapping[str, Step]:
    """Dropout alone."""
    hidden, slope = torch.randn(rows, width).to(numbers).requires_grad_(), torch.randn(rows, width).to(numbers)
    named = {"native": native.dropout, "plain": dropout}
    return {
        name: partial(there_and_back, partial(function, p=DROPOUT), [hidden], slope) for name, function in named.items()
    }


def there_and_back(function: Callable[..., Tensor], tensors: list[Tensor], slope: Tensor) -> None:
    """Forward and backward."""
    torch.autograd.grad(function(*tensors), tensors, slope)


if __name__ == "__main__":
    main()

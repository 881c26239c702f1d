"""CUDA graphs: the kernels of a compiled step are recorded once for each size of its inputs, and then replayed.

A graph reads and writes fixed addresses, so inputs are filled up to a few sizes, and gradients stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from harness.errors import UserError
from harness.tokenization.items import Collator, Item
from harness.training.forward import Forward
from harness.training.trainer import Trainer

SHORTEST = 16  # Tokens in a window of the smallest size.


@dataclass(frozen=True)
class Sizes:
    """The sizes of inputs, which windows are filled up to.

    Attributes:
        collator: Pads the windows.
        longest: Number of tokens in the longest window of the run; no size is larger.
        per_token: Whether outputs are per token rather than per window.
    """

    collator: Collator
    longest: int
    per_token: bool

    def read(
        self, read: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]], inputs: Mapping[str, Tensor]
    ) -> tuple[Tensor, ...]:
        """Apply `read` to the filled inputs, and return its outputs for the windows themselves [windows, ...].

        Args:
            read: Computes outputs [more windows, ...] from inputs [more windows, more tokens].
            inputs: Inputs [windows, length].
        """
        rows, length = inputs["input_ids"].shape
        found = read({name: self._filled(tensor, name) for name, tensor in inputs.items()})
        start = rounded_up(length, self.longest) - length if self.collator.left else 0
        return tuple(tensor[:rows, start : start + length] if self.per_token else tensor[:rows] for tensor in found)

    def _filled(self, tensor: Tensor, name: str) -> Tensor:
        """Pad inputs [rows, length] to the next sizes, with copies of the last row, whose outputs nobody uses."""
        rows, length = tensor.shape
        more = rounded_up(length, self.longest) - length
        value = self.collator.pad_id if name == "input_ids" else 0
        wide = pad(tensor, (more, 0) if self.collator.left else (0, more), value=value)
        copies = rounded_up(rows, least=2) - rows  # Torch would compile once more for a single row.
        return torch.cat([wide, wide[-1:].expand(copies, -1)])


def rounded_up(size: int, most: int | None = None, *, least: int = SHORTEST) -> int:
    """Return the next of the sizes 2, 3, 4, 6, 8, 12, 16, 24, ...

    >>> [rounded_up(size) for size in (5, 16, 17, 25, 33, 100)]
    [16, 16, 24, 32, 48, 128]
    >>> rounded_up(100, most=120), rounded_up(1, least=2)
    (120, 2)

    Args:
        size: The size of the inputs.
        most: No larger size is returned; at least `size`. None: any.
        least: The smallest size, a power of two.
    """
    found = least
    while found < size:
        found = found * 3 // 2 if found.bit_count() == 1 else found * 4 // 3
    return found if most is None else min(found, most)


def sizes_of_graphs(trainer: Trainer[Forward], items: Sequence[Item]) -> Sizes:
    """Return the sizes of the inputs of CUDA graphs.

    Raises:
        UserError: If there is no such GPU, or if an item is read in several passes.
    """
    forward = trainer.forward
    if forward.accelerator.device.type != "cuda":
        raise UserError(
            f'compile: "cuda_graphs" needs an NVIDIA GPU (got {forward.accelerator.device.type}). '
            "Set compile = true, or leave it out."
        )
    windows = max(len(item.windows) for item in items)
    if windows > forward.micro_batch_size:
        raise UserError(
            f'compile: "cuda_graphs" reads an item in one pass, but one has {windows} windows, more than '
            f"micro_batch_size {forward.micro_batch_size}. Raise it, or set compile = true."
        )
    return Sizes(forward.collator, max(item.length for item in items), forward.objective.head().per_token)

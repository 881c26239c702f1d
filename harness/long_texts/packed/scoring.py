"""Packed: the stock model reads concatenated windows, with attention that respects their boundaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.long_texts.packed.attention import NAME
from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.long_texts.packed.sizes import filled, filled_boundaries
from harness.long_texts.windows import Windows
from harness.models.packing import Packing, Replaced
from harness.ops.device import to_device


@contextmanager
def packed_attention_in(*configs: Any) -> Iterator[None]:
    """Make the model with these configurations read packed texts inside the block."""
    before = [config._attn_implementation for config in configs]
    for config in configs:
        config._attn_implementation = NAME
    try:
        yield
    finally:
        for config, known in zip(configs, before, strict=True):
            config._attn_implementation = known


@contextmanager
def functions_in(functions: Iterable[Replaced]) -> Iterator[None]:
    """Replace functions of modules inside the block."""
    chosen = list(functions)
    try:
        for module, name, function in chosen:
            setattr(module, name, function)
        yield
    finally:
        for module, name, _ in chosen:
            vars(module).pop(name, None)


@dataclass(frozen=True)
class Packed(Windows):
    """Reads windows as `Windows` does, with the same result, but without padding.

    Attributes:
        packing: The packing of the family.
        per_token: Whether outputs are per token; otherwise per window, from its first token or the mean.
        short: Whether to compute the last layer only for the tokens that the head reads.
    """

    packing: Packing
    per_token: bool
    short: bool = True

    def _logits(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        kept = inputs["attention_mask"].bool()  # On the host, like all inputs until they are packed.
        kept[:, 0] = True  # An empty window is read as one padding token.
        boundaries = filled_boundaries(kept, self.accelerator)
        padded = {name: rows for name, rows in inputs.items() if name != "attention_mask"}
        padded["position_ids"] = self.packing.positions(self.model, inputs["input_ids"])
        pack = {name: filled(rows[kept], boundaries) for name, rows in padded.items()}
        with self.accelerator.autocast(), self._reading(boundaries):
            output = self.model(**pack, boundaries=boundaries)
        found = tuple(output[name] for name in self.outputs)
        return tuple(unpacked(tensor, kept) if self.per_token else tensor[: len(kept)] for tensor in found)

    @contextmanager
    def _reading(self, boundaries: SequenceBoundaries) -> Iterator[None]:
        """Apply `packed_attention_in`, and make the model return what the head reads."""
        functions = [*self.packing.replaced(self.model, boundaries)]
        if not self.per_token:
            functions.append(self._of_texts(boundaries))
        with packed_attention_in(self.model.config), functions_in(functions):
            yield

    def _of_texts(self, boundaries: SequenceBoundaries) -> Replaced:
        """Replace tokens by texts [texts, 1, width], so that the head sees one token per text."""
        averaged = self.packing.averaged(self.model)
        if averaged is None:
            last = self.packing.layers(self.model)[-1]
            return Replaced(last, "forward", self._first_tokens(last, boundaries))
        whole = averaged.forward
        return Replaced(averaged, "forward", lambda hidden: boundaries.means(whole(hidden)[0])[:, None])

    def _first_tokens(self, layer: Any, boundaries: SequenceBoundaries) -> Callable[..., Any]:
        """Return a forward function of the last layer that returns texts when it is called for the last time."""
        whole, tokens = layer.forward, boundaries.first_tokens
        still_to_come = iter(reversed(range(self.packing.last_calls(self.model))))

        def forward(hidden: Tensor, *arguments: Any, **options: Any) -> Any:
            if next(still_to_come):
                return whole(hidden, *arguments, **options)
            if self.short:
                given = self.packing.selected_token_layer(layer, hidden, tokens, *arguments, **options)
                return _with_states(given, lambda states: states.transpose(0, 1))
            given = whole(hidden, *arguments, **options)
            return _with_states(given, lambda states: states[:, tokens].transpose(0, 1))

        return forward


def _with_states(given: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Change the states in a layer's output: the whole output, or the first of several values."""
    return change(given) if isinstance(given, Tensor) else (change(given[0]), *given[1:])


def unpacked(values: Tensor, kept: Tensor) -> Tensor:
    """Scatter values of packed tokens [1, total, ...] to [windows, length, ...] by a mask on the host; 0 elsewhere.

    Values of filler, after those of the windows, are dropped.
    """
    places = kept.flatten().nonzero()[:, 0]
    assert values.shape[1] >= len(places), (values.shape, kept.shape)
    nothing = torch.zeros(kept.numel(), *values.shape[2:], dtype=values.dtype, device=values.device)
    return nothing.index_put((to_device(places, values.device),), values[0, : len(places)]).unflatten(0, kept.shape)

"""Packed: windows laid end to end are read by the stock model, whose attention knows where each one ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.long_texts.packed.attention import NAME
from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.long_texts.windows import Windows
from harness.models.packing import Packing, Replaced
from harness.ops.device import to_device


@contextmanager
def packed_attention_in(config: Any) -> Iterator[None]:
    """The configuration's model reads packed texts inside of this, and is the stock model again after it."""
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before


@contextmanager
def functions_in(functions: Iterable[Replaced]) -> Iterator[None]:
    """The modules have these functions inside of this, and their own ones again after it."""
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
    """Reads windows as `Windows` does, with the same result, and computes nothing for padding.

    Attributes:
        packing: The family's.
        per_token: Whether the head says something of each token; else of a window, from its first token or their mean.
        short: Whether the last layer is computed for no more tokens than the head reads.
    """

    packing: Packing
    per_token: bool
    short: bool = True

    def _logits(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        device = self.accelerator.device
        kept = inputs["attention_mask"].bool()  # On the host, as all that is read, until it is packed.
        kept[:, 0] = True  # a window of no token is read as one of padding
        boundaries = SequenceBoundaries(kept.sum(1).tolist(), device)
        padded = {name: rows for name, rows in inputs.items() if name != "attention_mask"}
        padded["position_ids"] = self.packing.positions(self.model, inputs["input_ids"])
        pack = {name: to_device(rows[kept][None], device) for name, rows in padded.items()}
        with self.accelerator.autocast(), self._reading(boundaries):
            output = self.model(**pack, boundaries=boundaries)
        found = tuple(output[name] for name in self.outputs)
        return tuple(unpacked(tensor, kept) for tensor in found) if self.per_token else found

    @contextmanager
    def _reading(self, boundaries: SequenceBoundaries) -> Iterator[None]:
        """As `packed_attention_in`, and the model gives what the head reads."""
        functions = [*self.packing.replaced(self.model, boundaries)]
        if not self.per_token:
            functions.append(self._of_texts(boundaries))
        with packed_attention_in(self.model.config), functions_in(functions):
            yield

    def _of_texts(self, boundaries: SequenceBoundaries) -> Replaced:
        """What gives texts [texts, 1, width] in place of tokens: to the head, each one looks a token long."""
        averaged = self.packing.averaged(self.model)
        if averaged is None:
            last = self.packing.layers(self.model)[-1]
            return Replaced(last, "forward", self._first_tokens(last, boundaries))
        whole = averaged.forward
        return Replaced(averaged, "forward", lambda hidden: boundaries.means(whole(hidden)[0])[:, None])

    def _first_tokens(self, layer: Any, boundaries: SequenceBoundaries) -> Callable[..., Any]:
        """The last layer's forward pass, giving texts where it is called for the last time."""
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
    """What a layer gives, its states changed: they are all of it, or the first of several things."""
    return change(given) if isinstance(given, Tensor) else (change(given[0]), *given[1:])


def unpacked(values: Tensor, kept: Tensor) -> Tensor:
    """Values of packed tokens [1, total, ...] at their places [windows, length, ...], known to the host; else 0."""
    places = kept.flatten().nonzero()[:, 0]
    assert values.shape[:2] == (1, len(places)), (values.shape, kept.shape)
    nothing = torch.zeros(kept.numel(), *values.shape[2:], dtype=values.dtype, device=values.device)
    return nothing.index_put((to_device(places, values.device),), values[0]).unflatten(0, kept.shape)

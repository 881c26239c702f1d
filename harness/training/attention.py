"""Attention weights of each layer, for models that return them.

They are not explanations by themselves (Jain and Wallace 2019, "Attention is not explanation"): their value is measured
like that of any attribution, by deletion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from harness.errors import UserError
from harness.models.packing import configs_of
from harness.tokenization.items import Item
from harness.training.attribution import Attribution
from harness.training.forward import Forward


@dataclass(frozen=True)
class Attention:
    """Attention on an item, averaged over the heads of each layer.

    Attributes:
        layers: Weights from each token (a row) to each token [layers, windows, length, length]; 0 on padding. For a
            model that generates text, from each generated token to each source token [layers, windows, written,
            length].
        is_asking: Whether each query is a real token rather than padding [windows, rows].
    """

    layers: Tensor
    is_asking: Tensor

    @property
    def received(self) -> tuple[float, ...]:
        """Attention to each token, averaged over layers and the window's tokens, window by window [tokens]."""
        queries = self.is_asking[None, :, :, None].to(self.layers.dtype)
        means = (self.layers * queries).sum(2) / queries.sum(2)
        return tuple(means.mean(0).reshape(-1).tolist())


@torch.no_grad()
def attention_of(forward: Forward, item: Item) -> Attention:
    """Compute the attention of a model on an item.

    Raises:
        UserError: If the model returns no attention between tokens.
    """
    inputs = forward.collator([item]).inputs
    windows, length = inputs["input_ids"].shape
    with _returned(forward.model) as outputs:
        forward.scores([item])
    across = [weights for output in outputs for weights in getattr(output, "cross_attentions", None) or ()]
    found = across or [weights for output in outputs for weights in getattr(output, "attentions", None) or ()]
    asking = across[0].shape[2] if across else length
    if not found or len(outputs) != 1 or any(not _fits(weights, (windows, asking, length)) for weights in found):
        name = type(forward.model).__name__
        raise UserError(
            f"--attention: {name} has no attention between all pairs of tokens, as it reads this text. Leave it out."
        )
    layers = torch.stack([weights.float().mean(1) for weights in found])
    is_asking = torch.ones(windows, asking, dtype=torch.bool) if across else inputs["attention_mask"].bool()
    return Attention(layers.cpu(), is_asking.cpu())


def by_attention(attribution: Attribution, attention: Attention) -> Attribution:
    """Replace an attribution's values by the attention that each token receives; 0 for special tokens."""
    pairs = zip(attention.received, attribution.is_special, strict=True)
    return replace(attribution, values=tuple(0.0 if is_special else value for value, is_special in pairs))


def _fits(weights: Any, shape: tuple[int, int, int]) -> bool:
    """Whether weights are [windows, heads, rows, length]. With a memory or local windows, keys differ."""
    return isinstance(weights, Tensor) and weights.ndim == 4 and (weights.shape[0], *weights.shape[2:]) == shape


@contextmanager
def _returned(model: Any) -> Iterator[Sequence[Any]]:
    """Collect the model's outputs with attention weights, which only eager attention returns."""
    found: list[Any] = []
    known = model.config._attn_implementation
    try:
        model.set_attn_implementation("eager")
    except (ValueError, AttributeError, NotImplementedError) as error:
        raise UserError(f"--attention: {type(model).__name__} has no plain attention to show. Leave it out.") from error
    configs = configs_of(model)
    before = [(config._attn_implementation, config.output_attentions) for config in configs]
    for config in configs:
        config._attn_implementation, config.output_attentions = "eager", True
    handle = model.register_forward_hook(lambda _module, _given, output: found.append(output))
    try:
        yield found
    finally:
        handle.remove()
        for config, (implementation, asked) in zip(configs, before, strict=True):
            config.output_attentions, config._attn_implementation = asked, implementation
        model.set_attn_implementation(known)

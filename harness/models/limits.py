"""Maximum number of tokens that a model can read."""

from __future__ import annotations

from typing import Any


def limit_of(tokenizer: Any, longest_text: int | None) -> int | None:
    """Return the smaller of the tokenizer's limit and the model's, or None if there is no limit."""
    limits = [tokenizer.model_max_length, longest_text]
    known = [limit for limit in limits if limit is not None and limit < 1_000_000]
    return min(known) if known else None


def stated_places(config: Any) -> int | None:
    """Return max_position_embeddings, the minimum of encoder and decoder if there are two, or None if not set."""
    parts = [config]
    if not hasattr(config, "max_position_embeddings"):
        parts = [getattr(config, "encoder", None), getattr(config, "decoder", None)]
    stated = [getattr(part, "max_position_embeddings", None) for part in parts]
    return min((places for places in stated if places and places > 0), default=None)


def unused_positions(model: Any) -> int:
    """Return the number of positions that are never used, as in RoBERTa, where they start at padding_idx + 1."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0

"""How many tokens a model reads at once."""

from __future__ import annotations

from typing import Any


def limit_of(tokenizer: Any, longest_text: int | None) -> int | None:
    """The smaller of what the tokenizer states and what the model has positions for; None: any number."""
    limits = [tokenizer.model_max_length, longest_text]
    known = [limit for limit in limits if limit is not None and limit < 1_000_000]
    return min(known) if known else None


def stated_places(config: Any) -> int | None:
    """The positions that a configuration states: of an encoder and a decoder in one the fewer; None: it states none."""
    parts = [config]
    if not hasattr(config, "max_position_embeddings"):
        parts = [getattr(config, "encoder", None), getattr(config, "decoder", None)]
    stated = [getattr(part, "max_position_embeddings", None) for part in parts]
    return min((places for places in stated if places and places > 0), default=None)


def unused_positions(model: Any) -> int:
    """Positions that are never used: RoBERTa and its kin start at padding_idx + 1."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0

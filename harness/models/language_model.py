"""Language models with a memory, as they were trained: of the families whose `language` is causal."""

from __future__ import annotations

from typing import Any

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.checkpoint import family_of, find_checkpoint
from harness.models.head import Head
from harness.registry import FAMILIES

OWN_HEAD = Head(auto_class=None, settings={}, outputs=())


def language_model(spec: ModelConfig, name: str) -> tuple[Any, Any]:
    """The language model that `spec` names, in fp32, and its tokenizer.

    Args:
        spec: Which weights.
        name: What the user calls it.

    Raises:
        UserError: It is untrained, has no memory, no whole language model in its weights, or is not available.
    """
    if spec.checkpoint is None or spec.init == "random":
        raise UserError(f"{name}: is untrained, so it predicts nothing. Name a checkpoint's folder or a Hub id.")
    family = spec.family or family_of(spec)
    if not _has_a_memory(family):
        model_type = find_checkpoint(spec.checkpoint, spec.revision, files=["config.json"]).config()["model_type"]
        raise UserError(
            f"{name}: a {model_type} is no language model that reads from left to right with a memory. "
            f"Choose one of the family {' or '.join(filter(_has_a_memory, FAMILIES.names()))}."
        )
    loaded = FAMILIES.load(family).load(spec, OWN_HEAD, labels=(), dropout=None, texts=list)
    return loaded.model, loaded.tokenizer


def _has_a_memory(family: str) -> bool:
    """Whether the family's language models read from left to right, with a memory."""
    language = getattr(FAMILIES.load(family), "language", None)
    return language is not None and bool(language.causal)

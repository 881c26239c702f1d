"""Load pretrained language models: causal or masked, with or without a memory."""

from __future__ import annotations

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.checkpoint import family_of
from harness.models.head import Head
from harness.models.loaded import Loaded
from harness.registry import FAMILIES


def language_model(spec: ModelConfig, name: str) -> Loaded:
    """Load a language model in fp32.

    Raises:
        UserError: If the model is untrained, not a complete language model, or not available.
    """
    if spec.checkpoint is None or spec.init == "random":
        raise UserError(f"{name}: is untrained, so it predicts nothing. Name a checkpoint's folder or a Hub id.")
    family = FAMILIES.load(spec.family or family_of(spec))
    if hasattr(family, "fit"):
        raise UserError(f"{name}: a simple baseline is not a language model. Name a checkpoint's folder or a Hub id.")
    head = Head(auto_class=None, settings={}, outputs=())  # The language model's own.
    loaded: Loaded = family.load(spec, head, labels=(), dropout=None, texts=list)
    return loaded

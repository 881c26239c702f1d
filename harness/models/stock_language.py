"""Language models of transformers' Auto classes: scores of the word at each position, for any architecture."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from harness.models.language_head import Language


def stock_language(config: Any) -> Language | None:
    """Return how a stock language model is scored, or None if there is none of this type.

    If the type has both causal and masked models, `architectures` of the configuration decides. If it names neither,
    the model is masked, unless `is_decoder` is set.
    """
    masked = Language("AutoModelForMaskedLM", causal=False, scores=own_scores)
    causal = Language("AutoModelForCausalLM", causal=True, scores=scores_from_before)
    masked_class = MODEL_FOR_MASKED_LM_MAPPING_NAMES.get(config.model_type)
    causal_class = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(config.model_type)
    if masked_class is None:
        return None if causal_class is None else causal
    if causal_class is None:
        return masked
    if causal_class == masked_class:  # As in XLM and FlauBERT.
        return causal if config.causal else masked
    return causal if causal_class in (config.architectures or ()) or getattr(config, "is_decoder", False) else masked


def own_scores(model: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """Return scores [texts, length, vocabulary] of the word at each position, for models that see a mask there."""
    scores: Tensor = model(**inputs).logits
    return scores


def scores_from_before(model: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """Return scores [texts, length, vocabulary] of each word, computed at the position before; zeros for the first."""
    uncached = {"use_cache": False} if "use_cache" in signature(model.forward).parameters else {}
    scores: Tensor = model(**inputs, **uncached).logits
    return functional.pad(scores[:, :-1], (0, 0, 1, 0))


def scores_by_order(model: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """Return scores [texts, length, vocabulary] of each word, for XLNet reading in the order of the text.

    Its content stream sees the words up to each position, and the query stream those before it (Yang et al. 2019,
    section 2.3). Without these masks it would see the word that it predicts.
    """
    texts, length = inputs["input_ids"].shape
    ones = torch.ones(length, length, device=inputs["input_ids"].device)
    return own_scores(
        model,
        {
            **inputs,
            "perm_mask": ones.triu().expand(texts, -1, -1),  # 1: not seen
            "target_mapping": torch.eye(length, device=ones.device).expand(texts, -1, -1),
        },
    )

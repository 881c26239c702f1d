"""Transformer-XL, to be read beside its paper: Dai et al. 2019 (arXiv 1901.02860).

Read attention.py (section 3.3), memory.py (3.2), adaptive.py, model.py, heads.py, choice_head.py, in this order.
"""

from __future__ import annotations

from typing import Any

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from harness.models.families.transformer_xl.choice_head import TransformerXLForMultipleChoice
from harness.models.families.transformer_xl.configuration import TransformerXLConfig
from harness.models.families.transformer_xl.heads import (
    TransformerXLForCausalLM,
    TransformerXLForQuestionAnswering,
    TransformerXLForSequenceClassification,
    TransformerXLForTokenClassification,
)
from harness.models.families.transformer_xl.model import TransformerXLModel
from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.models.family import StockFamily
from harness.models.language_head import Language

# As wide and deep as the small models of other families. Texts are read as one segment, so that nothing precedes it.
DEFAULT_ARCHITECTURE: dict[str, Any] = {
    "d_model": 256,
    "d_embed": 256,
    "n_layer": 4,
    "n_head": 4,
    "d_head": 64,
    "d_inner": 1024,
    "cutoffs": [],
    "div_val": 1,
    "mem_len": 512,
    "memory_start": "empty",
    "same_length": False,
    "clamp_len": -1,
}


def register() -> None:
    """Register the models with transformers' Auto classes. Repeated calls have no effect."""
    AutoConfig.register(TransformerXLConfig.model_type, TransformerXLConfig, exist_ok=True)
    AutoTokenizer.register(TransformerXLConfig, TransformerXLTokenizer, exist_ok=True)
    AutoModel.register(TransformerXLConfig, TransformerXLModel, exist_ok=True)
    AutoModelForCausalLM.register(TransformerXLConfig, TransformerXLForCausalLM, exist_ok=True)
    AutoModelForSequenceClassification.register(
        TransformerXLConfig, TransformerXLForSequenceClassification, exist_ok=True
    )
    AutoModelForTokenClassification.register(TransformerXLConfig, TransformerXLForTokenClassification, exist_ok=True)
    AutoModelForMultipleChoice.register(TransformerXLConfig, TransformerXLForMultipleChoice, exist_ok=True)
    AutoModelForQuestionAnswering.register(TransformerXLConfig, TransformerXLForQuestionAnswering, exist_ok=True)


MODEL_TYPES = ("transfo-xl",)
RECURRENT = True

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture=DEFAULT_ARCHITECTURE,
    unlimited=True,  # Positions are distances.
    pooled_head=lambda model, pooled: (model.score(pooled),),
    pointer_config=lambda config: config,  # Its question answering model always has a pointer.
    language=Language(
        "AutoModelForCausalLM",
        causal=True,
        word_losses=lambda model, states, words: model.token_losses(states, words),
    ),
)

"""A Transformer from scratch, to be read beside its paper: Vaswani et al. 2017, "Attention Is All You Need".

Read attention.py (section 3.2), embeddings.py (3.4, 3.5), encoder.py (3.1, 3.3), model.py, heads.py, language.py, in
this order; then decoder.py (3.1, 3.2.3) and encoder_decoder.py, the whole of figure 1.
"""

from __future__ import annotations

from typing import Any

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForMultipleChoice,
    AutoModelForPreTraining,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from harness.models.encoder_decoder import EncoderDecoder
from harness.models.families.scratch.configuration import ScratchConfig, ScratchEncoderDecoderConfig
from harness.models.families.scratch.encoder_decoder import ScratchForSeq2SeqLM, encoder_decoder_config
from harness.models.families.scratch.heads import (
    ScratchForMultipleChoice,
    ScratchForQuestionAnswering,
    ScratchForSequenceClassification,
    ScratchForTokenClassification,
)
from harness.models.families.scratch.language import ScratchForMaskedLM, ScratchForPreTraining, language
from harness.models.families.scratch.model import ScratchModel
from harness.models.families.scratch.packing import packing
from harness.models.family import StockFamily

# A baseline that trains in minutes without a GPU; layers and width are BERT-mini's (Turc et al. 2019).
DEFAULT_ARCHITECTURE: dict[str, Any] = {
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
    "hidden_dropout_prob": 0.1,
    "max_position_embeddings": 512,
}


def register() -> None:
    """Register the models with transformers' Auto classes. Repeated calls have no effect."""
    AutoConfig.register(ScratchConfig.model_type, ScratchConfig, exist_ok=True)
    AutoModel.register(ScratchConfig, ScratchModel, exist_ok=True)
    AutoModelForMaskedLM.register(ScratchConfig, ScratchForMaskedLM, exist_ok=True)
    AutoModelForPreTraining.register(ScratchConfig, ScratchForPreTraining, exist_ok=True)
    AutoModelForSequenceClassification.register(ScratchConfig, ScratchForSequenceClassification, exist_ok=True)
    AutoModelForTokenClassification.register(ScratchConfig, ScratchForTokenClassification, exist_ok=True)
    AutoModelForMultipleChoice.register(ScratchConfig, ScratchForMultipleChoice, exist_ok=True)
    AutoModelForQuestionAnswering.register(ScratchConfig, ScratchForQuestionAnswering, exist_ok=True)
    AutoConfig.register(ScratchEncoderDecoderConfig.model_type, ScratchEncoderDecoderConfig, exist_ok=True)
    AutoModelForSeq2SeqLM.register(ScratchEncoderDecoderConfig, ScratchForSeq2SeqLM, exist_ok=True)


MODEL_TYPES = ("scratch-transformer", "scratch-encoder-decoder")

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture=DEFAULT_ARCHITECTURE,
    unlimited=True,  # Positions are computed.
    packing=packing,
    language=language,
    encoder_decoder=EncoderDecoder(encoder_decoder_config),
)

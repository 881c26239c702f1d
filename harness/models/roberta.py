"""RoBERTa: Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach"; XLM-RoBERTa too."""

from __future__ import annotations

from harness.models._stock import StockFamily

family = StockFamily(
    model_types=("roberta", "xlm-roberta", "camembert"),
    architecture={
        "hidden_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
    },
)

"""BigBird: Zaheer et al. 2020, "Big Bird: Transformers for Longer Sequences"; BigBird-Pegasus too.

The stock models switch from block-sparse to full attention for good when they meet a short batch, and block-sparse
attention looks at other blocks when a text is padded further. So what they say of a text would depend on the texts that
were read with it, and before it. Here attention is always full, which the same weights compute, and which is what
block-sparse attention comes near to; a window of 4,096 tokens takes the memory that full attention takes.
"""

from __future__ import annotations

from harness.models.family import SMALL_ENCODER, StockFamily

MODEL_TYPES = ("big_bird", "bigbird_pegasus")

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={**SMALL_ENCODER, "max_position_embeddings": 1024},
    settings={"attention_type": "original_full"},
    note="attention is full for every text (attention_type = original_full), whatever the checkpoint says",
)

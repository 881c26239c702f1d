"""BigBird: Zaheer et al. 2020, "Big Bird: Transformers for Longer Sequences"; BigBird-Pegasus too.

The stock models switch permanently from block-sparse to full attention when they see a short batch, and the blocks of
block-sparse attention change with padding. Outputs for a text would thus depend on other texts in the batch and before
it. Here attention is always full, which uses the same weights and is what block-sparse attention approximates; a window
of 4,096 tokens takes as much memory as full attention needs.
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

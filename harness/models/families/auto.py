"""All other models of transformers' Auto classes, always padded: ERNIE, FNet, Longformer, GPT-2, Llama."""

from __future__ import annotations

from harness.models.family import StockFamily

family = StockFamily()

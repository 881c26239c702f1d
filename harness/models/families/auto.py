"""Every other encoder that transformers' Auto classes know: DistilBERT, ELECTRA, DeBERTa, MPNet, ModernBERT."""

from __future__ import annotations

from harness.models.family import StockFamily

family = StockFamily()

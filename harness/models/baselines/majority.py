"""The baseline that ignores its input: the single prediction that fits the training data best."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

family = BaselineFamily("majority")

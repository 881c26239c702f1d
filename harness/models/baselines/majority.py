"""The baseline that reads nothing: the one answer that suits the training data best."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

family = BaselineFamily("majority")

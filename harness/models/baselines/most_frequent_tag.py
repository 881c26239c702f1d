"""The baseline that ignores context: each word gets its most frequent tag in the training data."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

family = BaselineFamily("most_frequent_tag")

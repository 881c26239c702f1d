"""The baseline that knows words, but no context: each has the tag that it has most often in the training data."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

family = BaselineFamily("most_frequent_tag")

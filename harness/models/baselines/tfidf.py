"""The baseline that reads words, but no order beyond two of them: TF-IDF and a linear model, in seconds."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

TUNED_SETTINGS = ("baseline_penalty", "class_weights", "class_weight_beta")
"""What of a recipe it reads."""
family = BaselineFamily("tfidf")

"""The baseline that uses words, and their order in pairs at most: TF-IDF and a linear model, in seconds."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

TUNED_SETTINGS = ("baseline_penalty", "class_weights", "class_weight_beta")
"""Settings of the recipe that it uses."""
family = BaselineFamily("tfidf")

"""The baseline that takes a text's first sentences for its summary, which is hard to beat for news."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

TUNED_SETTINGS = ("lead_sentences",)
"""What of a recipe it reads."""
family = BaselineFamily("lead")

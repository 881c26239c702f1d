"""The baseline that uses a text's first sentences as its summary, which is hard to beat for news."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

TUNED_SETTINGS = ("lead_sentences",)
"""Settings of the recipe that it uses."""
family = BaselineFamily("lead")

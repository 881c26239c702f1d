"""The baseline that chooses the longest answer, since authors of questions often word the right one more carefully."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

family = BaselineFamily("longest_answer")

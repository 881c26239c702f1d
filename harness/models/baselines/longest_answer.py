"""The baseline that reads nothing of an answer but its length: writers of questions take more care of the right one."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

family = BaselineFamily("longest_answer")

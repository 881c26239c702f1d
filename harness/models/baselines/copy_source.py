"""The baseline that writes what it reads: the source itself, which is a bad translation, and a good one of names."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

family = BaselineFamily("copy_source")

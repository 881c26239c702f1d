"""The baseline that copies the source: a bad translation, except of names."""

from __future__ import annotations

from harness.models.baseline import BaselineFamily

family = BaselineFamily("copy_source")

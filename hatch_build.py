"""Puts tasks/, configs/ and reports/ into the wheel, inside the package, where `harness.registry` looks for them.

An editable install gets none of it: there they lie beside the package.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class EntriesHook(BuildHookInterface[Any]):
    """Adds the entries to a wheel that is not editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which folder goes where, before the wheel is made."""
        if version == "standard":
            folders = ("tasks", "configs", "reports")
            build_data["force_include"] |= {folder: f"harness/_entries/{folder}" for folder in folders}

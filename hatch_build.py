"""What hatchling must be told beside pyproject.toml: where the entries go, and the README without its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class EntriesHook(BuildHookInterface[Any]):
    """Puts tasks/, configs/ and reports/ into a wheel, inside the package, where `harness.registry` looks for them.

    An editable install gets none of it: there they lie beside the package.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which folder goes where, before the wheel is made."""
        if version == "standard":
            folders = ("tasks", "configs", "reports")
            build_data["force_include"] |= {folder: f"harness/_entries/{folder}" for folder in folders}


class ReadmeHook(MetadataHookInterface):
    """Leaves the picture out of the package's description: an index shows no file of a checkout."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme to the package's metadata."""
        lines = Path(self.root, "README.md").read_text(encoding="utf-8").splitlines(keepends=True)
        text = "".join(line for line in lines if not line.startswith("!["))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}

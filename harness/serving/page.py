"""The page to try models on: a field for each column, and the predictions of each model side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def page(description: Mapping[str, Any], nonce: str) -> str:
    """Render the page as HTML.

    Args:
        description: The description of what is served.
        nonce: The nonce that allows the page's own script and style.
    """
    environment = Environment(loader=PackageLoader("harness.serving"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html").render(**description, nonce=nonce)

"""The page on which a model is tried: a field for each column, and what each model makes of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def page(description: Mapping[str, Any], nonce: str) -> str:
    """The page as HTML.

    Args:
        description: What is served.
        nonce: What the page's own script and style are known by.
    """
    environment = Environment(loader=PackageLoader("harness.serving"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html").render(**description, nonce=nonce)

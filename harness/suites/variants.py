"""Variants: a model under another name, with another recipe or method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

MODEL = "model"  # In a variant's table; its other keys are training settings.


def _checked(given: Any) -> Any:
    for name, variant in given.items() if isinstance(given, Mapping) else ():
        known = variant.get(MODEL) if isinstance(variant, Mapping) else variant
        if not isinstance(known, str):
            raise ValueError(  # noqa: TRY004 -- what pydantic collects
                f"{name!r} must be a model's name in quotes, or a table with one and settings of the recipe, "
                'such as { model = "minilm", frozen = "encoder" }'
            )
    return given


Variants = Annotated[dict[str, str | dict[str, Any]], BeforeValidator(_checked)]


def original(name: str, variants: Mapping[str, Any]) -> str:
    """The name of the model behind a variant; for any other model, its own name."""
    variant = variants.get(name, name)
    return str(variant[MODEL] if isinstance(variant, Mapping) else variant)


def recipe_part(name: str, variants: Mapping[str, Any]) -> dict[str, Any]:
    """The training settings in a variant's table; empty for any other model."""
    variant = variants.get(name)
    return {key: value for key, value in variant.items() if key != MODEL} if isinstance(variant, Mapping) else {}

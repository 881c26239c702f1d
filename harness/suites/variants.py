"""Variants: a model once more under another name, for another recipe or another method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

MODEL = "model"  # Of a variant's table; all else in it is of the recipe.


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
    """The name of the model that a variant is; of any other model its own."""
    variant = variants.get(name, name)
    return str(variant[MODEL] if isinstance(variant, Mapping) else variant)


def recipe_part(name: str, variants: Mapping[str, Any]) -> dict[str, Any]:
    """What a variant's table says of the recipe; nothing of any other model."""
    variant = variants.get(name)
    return {key: value for key, value in variant.items() if key != MODEL} if isinstance(variant, Mapping) else {}

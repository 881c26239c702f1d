"""Settings of a recipe that are valid alone, but not together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def misfits(recipe: Any) -> Iterator[str]:
    """Yield a message for each setting that is valid alone, but not with the values or defaults of others.

    Args:
        recipe: A `harness.config.training.Training`.
    """
    if recipe.pool not in recipe.pools:
        yield (
            f"pool: {recipe.pool!r} is not known to strategy {recipe.strategy!r}. "
            f"Choose one of {', '.join(recipe.pools)}."
        )
    if recipe.method == "probe" and recipe.pool == "max":
        yield 'pool: the "max" over windows is not linear, which method "probe" needs. Set "mean".'
    if recipe.method == "probe" and recipe.maximum_steps == 0:
        yield 'maximum_steps: 0 leaves the model as it is, but method "probe" fits its head. Set one of them.'
    if recipe.keep == "last" and recipe.patience is not None:
        yield 'patience: needs the best weights, but keep = "last" keeps the last ones. Leave one of them out.'
    if recipe.gradient_checkpointing and (recipe.execution == "packed" or recipe.segmented):
        yield (
            'gradient_checkpointing: not for packed texts or segments. Set execution = "padded", and '
            "read in windows; a smaller micro_batch_size takes less memory, too."
        )
    if recipe.compile and (recipe.execution == "packed" or recipe.segmented):
        yield 'compile: not for packed texts or segments. Set execution = "padded" and read windows, or leave it out.'

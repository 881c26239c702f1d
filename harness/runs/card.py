"""The model card of a checkpoint, in the Hub's format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.config.training import SEGMENTED, SPLIT_LIMITS, UNREAD_BY_PROBES, Baselines, Recipe, Training
from harness.record import RunRecord
from harness.registry import TASK_TYPES, baseline_settings
from harness.task_types.contract import TaskType

_OF_LORA = {"rank", "alpha"}
_OF_SEGMENTS = {"segment", "memory", "gradient_segments"}


def model_card(record: RunRecord) -> str:
    """README.md for the checkpoint of a record."""
    judging = record.scores[_splits(record)[-1]]
    return f"""---
library_name: {library_of(record)}
pipeline_tag: {TASK_TYPES.load(record.task_card.task_type).pipeline_tag(judging)}
tags:
- {record.base_task}
---

{card_text(record)}"""


def library_of(record: RunRecord) -> str:
    """The library that loads the model: transformers, or for simple baselines our own (`harness predict`)."""
    return "finetune-harness" if record.simple_baseline else "transformers"


def card_text(record: RunRecord) -> str:
    """The text of the card below its front matter."""
    base = record.config["model"].get("checkpoint") or f"{record.family}, from nothing"
    splits = _splits(record)
    judging, examples = record.scores[splits[-1]], record.counts.examples.get(splits[-1], 0)
    scores = "\n".join(
        f"| {name} | {' | '.join(_formatted(record.scores[split].get(name)) for split in splits)} |" for name in judging
    )
    recipe = "\n".join(f"- {key}: {value}" for key, value in _used_settings(record).items()) or "No settings."
    if record.tuning is not None:
        recipe = f"The best of {record.tuning.trials} trials on the validation split.\n\n{recipe}"
    return f"""# {record.model}, fine-tuned on {record.task}

{record.task_card.description}

- Base: {base}
- Task type: {record.task_card.task_type}; labels: {", ".join(record.task_card.labels) or "none"}
- Data: {record.task_card.licence}. {record.task_card.citation}
- {record.which.capitalize()}{_weights(record)}

| metric | {" | ".join(splits)} |
|---|{"---|" * len(splits)}
{scores}

## Recipe

{recipe}

## Intended use

Comparing models on this task. It was scored on one {splits[-1]} set ({examples} examples) and nothing else; nothing is
known about its behaviour on other text.
"""


def _formatted(score: float | None) -> str:
    """A score, or a dash where there is no such number."""
    return "–" if score is None or math.isnan(score) else f"{score:.4f}"


def _weights(record: RunRecord) -> str:
    """Which weights were kept, after a semicolon; nothing for a model without steps."""
    recipe = record.config["training"]
    if recipe.get("maximum_steps") == 0:
        return "; not trained on this task"
    if record.best_step is None:
        return ""
    chosen = "the last" if recipe.get("keep") == "last" else "chosen on the validation split"
    return f"; weights of step {record.best_step}, {chosen}"


def _splits(record: RunRecord) -> list[str]:
    return [split for split in ("validation", "test") if split in record.scores]


def _used_settings(record: RunRecord) -> dict[str, Any]:
    """The settings of a run's recipe, without those that are empty or had no effect, in the recipe's order."""
    settings: Mapping[str, Any] = record.config["training"]
    if record.simple_baseline:
        unused = {*settings} - {*SPLIT_LIMITS, *baseline_settings(record.family)}
    else:
        unused = set(Baselines.model_fields) | _unused(settings, TASK_TYPES.load(record.task_card.task_type))
    return {key: value for key, value in settings.items() if key not in unused and value not in (None, "")}


def _unused(settings: Mapping[str, Any], task_type: TaskType) -> set[str]:
    """The settings without effect in a recipe of a model that is not a simple baseline."""
    of_other_types = {*Training.model_fields} - {*Recipe.model_fields, *task_type.settings.model_fields}
    unused = {*of_other_types, *task_type.unused_settings}
    strategy, method = settings.get("strategy", "head"), settings.get("method", "full")
    if method != "lora":
        unused |= _OF_LORA
    if method == "probe":
        unused |= UNREAD_BY_PROBES
    if settings.get("maximum_steps") == 0:
        unused |= {*UNREAD_BY_PROBES, "method"} - {"maximum_steps"}
    if strategy in SEGMENTED:
        unused.discard("strategy")
    else:
        unused |= _OF_SEGMENTS
    if strategy in ("head", "head_tail"):
        unused.add("pool")
    return unused

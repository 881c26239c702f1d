"""The model card of a checkpoint, in the Hub's format."""

from __future__ import annotations

import math

from harness.record import RunRecord
from harness.registry import TASK_TYPES
from harness.runs.used_settings import used_settings


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
    recipe = "\n".join(f"- {key}: {value}" for key, value in used_settings(record).items()) or "No settings."
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

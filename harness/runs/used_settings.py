"""The settings of a recipe that a run used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.config.training import SEGMENTED, SPLIT_LIMITS, UNREAD_BY_PROBES, Baselines, Recipe, Training
from harness.record import RunRecord
from harness.registry import TASK_TYPES, baseline_settings
from harness.task_types.contract import TaskType

_OF_LORA = {"rank", "alpha"}
_OF_SEGMENTS = {"segment", "memory", "gradient_segments"}


def used_settings(record: RunRecord) -> dict[str, Any]:
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

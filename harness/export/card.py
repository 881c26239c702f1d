"""The model card of an export: where it comes from, and its scores with intervals in the Hub's result format."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from harness.comparison.one_run import score_estimates
from harness.comparison.statistics import Estimate
from harness.config.run import RunConfig
from harness.metrics.lookup import unit_of
from harness.models.checkpoint import find_checkpoint
from harness.record import RunRecord
from harness.registry import TASK_TYPES
from harness.runs.card import card_text, library_of
from harness.runs.exported import portable

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*", flags=re.ASCII)


def export_card(run: Path, record: RunRecord, config: RunConfig, *, licence: str | None, name: str) -> str:
    """README.md of an export.

    Args:
        run: The run's folder, whose predictions are scored again for the intervals.
        record: Its record.
        config: Its configuration.
        licence: Of the model, as the Hub calls it; None: that which its base checkpoint's card names.
        name: What the export is called.
    """
    from huggingface_hub import EvalResult, ModelCardData  # noqa: PLC0415 -- takes most of a second

    estimates, record = score_estimates(run, record), portable(record)
    scores, split = _judging(record)
    tag = TASK_TYPES.load(record.task_card.task_type).pipeline_tag(scores)
    base = record.config["model"].get("checkpoint")
    data = ModelCardData(
        model_name=name,
        library_name=library_of(record),
        pipeline_tag=tag,
        license=licence or _base_licence(config),
        base_model=base if _is_hub_id(base) and not record.config.get("weights") else None,  # With: a folder's.
        tags=["finetune-harness", record.base_task],
        eval_results=[
            EvalResult(
                task_type=tag,
                dataset_type=_slug(record.base_task),
                dataset_name=record.task,
                dataset_split=split,
                metric_type=metric,
                metric_name=_named(metric, estimates.get(metric)),
                metric_value=value,
            )
            for metric, value in scores.items()
            if math.isfinite(value)  # A masked language model has no perplexity: it is NaN.
        ],
    )
    intervals_told = [
        f"- {metric}: {unit_of(metric).with_interval(estimate)}" for metric, estimate in estimates.items()
    ]
    told = "\n".join(intervals_told) or "None: the run has no predictions of test examples."
    return f"""---
{data.to_yaml()}
---

{card_text(record)}
## Intervals

95 % intervals for other test examples, of this one run:

{told}
"""


def _judging(record: RunRecord) -> tuple[Mapping[str, float], str]:
    """The scores on the last split that the run was scored on, and its name."""
    split = "test" if "test" in record.scores else "validation"
    return record.scores[split], split


def _named(metric: str, estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return metric
    return f"{metric} (95 % interval {estimate.low:.4f} to {estimate.high:.4f})"


def _is_hub_id(name: object) -> bool:
    return isinstance(name, str) and HUB_ID.fullmatch(name) is not None and not Path(name).exists()


def _base_licence(config: RunConfig) -> str | None:
    """The licence on the base checkpoint's card; None if it names none or is not available."""
    from huggingface_hub import ModelCard  # noqa: PLC0415 -- as above

    if config.model.checkpoint is None:
        return None
    try:
        card = find_checkpoint(config.model.checkpoint, config.model.revision).folder / "README.md"
        named = ModelCard.load(card, ignore_metadata_errors=True).data.license if card.is_file() else None
    except Exception:  # A stranger's card may be no YAML, or anything else.
        return None
    return named if isinstance(named, str) else None


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)

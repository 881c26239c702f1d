"""Reading runs on several numbers of training examples of one task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.claims.claim import Settings
from harness.claims.measuring import suite_folders
from harness.comparison.wording import listed
from harness.errors import UserError
from harness.record import RunRecord
from harness.records import read_records


def runs_by_size(models: Sequence[str], settings: Settings, folder: Path) -> list[tuple[Path, RunRecord]]:
    """Read the complete runs of models on several numbers of training examples of one task, with their folders.

    If several values exceed what there is, a seed's runs with them are the same one, and only one of them is returned.

    Raises:
        UserError: If a model has fewer than two sizes, or if there are several tasks or metrics.
    """
    found = [
        (run, record)
        for place in suite_folders(settings, folder)
        for run, record in read_records(place)[0]
        if record.model in models and record.status == "complete"
        if record.varied is not None and record.varied.setting == "train_examples"
    ]
    sizes = {model: {one.counts.examples["train"] for _, one in found if one.model == model} for model in models}
    if min(map(len, sizes.values())) < 2:
        told = ", ".join(f"{model}: {len(those)}" for model, those in sizes.items())
        raise UserError(
            f"{folder}: needs runs of {' and '.join(models)} on several numbers of training examples each "
            f"(got {told}). Name such a suite."
        )
    scored = sorted({(one.base_task, one.task_card.main_metric) for _, one in found})
    if len(scored) > 1:
        raise UserError(
            f"{folder}: runs on several tasks or metrics ({listed(f'{task}, {metric}' for task, metric in scored)}). "
            "Name a suite with one task."
        )
    distinct: dict[tuple[str, int, int], tuple[Path, RunRecord]] = {}
    for run, one in found:
        distinct.setdefault((one.model, one.seed, one.counts.examples["train"]), (run, one))
    return list(distinct.values())

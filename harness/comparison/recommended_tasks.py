"""Recommendations for several tasks in a few words, grouped by model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.comparison.recommendation import Recommendation
from harness.comparison.wording import listed

MOST_MODELS = 4
"""Maximum number of models listed with their tasks; for more, only the number of tasks is given."""
MOST_TASKS = 3
"""Maximum number of tasks listed by name; for more, only their number is given."""


def advice_over_tasks(by_task: Mapping[str, Recommendation]) -> str:
    """One sentence for each kind of recommendation that occurs, firmest first.

    Args:
        by_task: The recommendation for each task.
    """
    groups: dict[tuple[str, str | None], list[str]] = {}
    for task, found in by_task.items():
        groups.setdefault((_sort(found), found.model), []).append(task)
    total = len(by_task)
    firm = {str(model): names for (sort, model), names in groups.items() if sort == "use"}
    said = [_use(firm, total)] if firm else []
    for (sort, model), names in groups.items():
        where = _tasks(names, total)
        if sort == "baseline":
            said.append(f"Nothing beats the simple baseline {model} on {where}: use it there.")
        elif sort == "for now":
            said.append(f"Use {model} for now on {where}: no model is shown to beat it.")
        elif sort == "after short runs":
            said.append(f"Use {model} for now on {where}: only short runs are compared.")
        elif sort == "open":
            said.append(f"Can't tell yet on {where}.")
    return " ".join(said)


def _use(firm: Mapping[str, Sequence[str]], total: int) -> str:
    if len(firm) <= MOST_MODELS:
        return f"Use {listed(f'{model} on {_tasks(names, total)}' for model, names in firm.items())}."
    by_count: dict[int, list[str]] = {}
    for model, names in sorted(firm.items(), key=lambda pair: -len(pair[1])):
        by_count.setdefault(len(names), []).append(model)
    parts = [
        f"{listed(models)} on {count} of {total} tasks{' each' * (len(models) > 1)}"
        for count, models in by_count.items()
    ]
    return f"It depends on the task: use {'; '.join(parts)}."


def _sort(found: Recommendation) -> str:
    if found.kind == "unclear":
        return "open" if found.model is None else "for now"
    return found.kind if found.kind in ("baseline", "after short runs") else "use"


def _tasks(names: Sequence[str], total: int) -> str:
    if len(names) == total > 1:
        return "both tasks" if total == 2 else f"all {total} tasks"
    return listed(names) if len(names) <= MOST_TASKS else f"{len(names)} of {total} tasks"

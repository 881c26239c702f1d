"""The critical-difference diagram: mean ranks over tasks, with bars over those that are not distinguished."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from harness.comparison.counts import MeanRanks, OverTasks
from harness.comparison.over_tasks import LEVEL_OF_RANKS
from harness.reporting.charts.canvas import WIDTH, Scale, add, drawing, horizontal_axis, markup, plain
from harness.reporting.charts.marks import add_mark

SIDE, ROW, BAR = 14, 24, 12


def mean_ranks(over_tasks: OverTasks, classes: Mapping[str, str]) -> Markup:
    """A mark for each model, the best at the top left; a bar joins models that are not distinguished.

    Source: Demšar 2006, figure 1.
    """
    found = over_tasks.ranks
    assert found is not None, "the diagram is of comparisons with ranks"
    joined = groups(found)
    rows, models = len(joined) * BAR + 8, len(found.by_model)
    bottom = rows + ROW * models
    chart = drawing(bottom + 42, f"Mean rank of each model over {over_tasks.tasks} tasks, the best on the left")
    scale = Scale(1, max(2, math.ceil(max(found.by_model.values()))), SIDE, WIDTH - SIDE)
    apart = f"critical difference {found.critical_difference:.2f} at {LEVEL_OF_RANKS:.0%}"
    title = f"mean rank over {over_tasks.tasks} tasks; {apart}"
    horizontal_axis(chart, scale, top=0, bottom=bottom, title=title, labels=plain(scale.ticks()))
    for place, (best, worst) in enumerate(joined):
        y = BAR * place + 8
        add(chart, "line", class_="not-told-apart", x1=scale(best) - 4, x2=scale(worst) + 4, y1=y, y2=y)
    for place, (model, rank) in enumerate(found.by_model.items()):
        group, x, y = add(chart, "g", class_=classes[model]), scale(rank), rows + ROW * place + 12
        add(group, "title", f"{model}: {rank:.2f}")
        add_mark(group, classes[model], x, y)
        left = x < WIDTH / 2
        label = {"x": x + 9 if left else x - 9, "y": y + 4, "text_anchor": "start" if left else "end"}
        add(group, "text", f"{model} {rank:.1f}", class_="label", **label)
    return markup(chart)


def groups(found: MeanRanks) -> Sequence[tuple[float, float]]:
    """The best and the worst rank of each maximal group that is not distinguished; groups have at least two models."""
    ranks = list(found.by_model.values())
    spans: list[tuple[float, float]] = []
    for place, first in enumerate(ranks):
        members = [rank for rank in ranks[place:] if rank - first < found.critical_difference]
        if len(members) > 1 and (not spans or members[-1] > spans[-1][1]):
            spans.append((first, members[-1]))
    return spans

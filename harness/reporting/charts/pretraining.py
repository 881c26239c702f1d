"""Score against pretraining: how fine-tuned scores depend on the tokens that a checkpoint was pretrained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from markupsafe import Markup

from harness.comparison.formatting import amount
from harness.comparison.results import Cell, TaskComparison
from harness.metrics.lookup import metric_name, unit_of
from harness.reporting.charts.canvas import WIDTH, Scale, add, drawing, horizontal_axis, markup
from harness.reporting.charts.labels import placed
from harness.reporting.charts.marks import add_line
from harness.reporting.charts.scores import BOTTOM, LEFT, TOP, score_axis, score_point

RIGHT = WIDTH - 20
APART = 4.0  # of intervals that would hide each other

Points = list[tuple[int, Cell]]  # tokens and the model that has read them, ascending


def pretraining_curves(task: TaskComparison, classes: Mapping[str, str]) -> Markup | None:
    """One line per recipe through its checkpoints, in the colour of the last one; None if no recipe has two.

    Checkpoints of `harness pretrain` record the number of tokens; the same architecture with random weights has zero.
    A recipe with two models of the same number, such as variants, has no line.
    """
    lines = _lines(task)
    if not lines:
        return None
    unit, measure = unit_of(task.card.main_metric), metric_name(task.card.main_metric)
    chart = drawing(BOTTOM + 42, f"{task.task}: {measure} of each recipe's checkpoints by the tokens of pretraining")
    x = Scale(0.0, float(max(points[-1][0] for points in lines.values())), LEFT + 14, RIGHT - 14)
    heights = [end for points in lines.values() for _, cell in points for end in unit.ends(cell.mean)]
    labels = {value: amount(value) for value in x.ticks(4)}
    horizontal_axis(chart, x, top=TOP, bottom=BOTTOM, title="tokens of pretraining", labels=labels)
    y = score_axis(chart, task, heights, right=RIGHT)
    ends = [(x(points[-1][0]), y(unit.ends(points[-1][1].mean)[1])) for points in lines.values()]
    names = placed(list(lines), ends, left=LEFT, right=RIGHT)
    for number, ((recipe, points), label) in enumerate(zip(lines.items(), names, strict=True)):
        class_, shift = classes[points[-1][1].model], (number - (len(lines) - 1) / 2) * APART
        group = add(chart, "g", class_=class_)
        drawn = (score_point(cell, unit, x(read) + shift, y, f"after {amount(read)} tokens") for read, cell in points)
        add_line(group, class_, list(drawn))
        if label is not None:
            add(group, "text", recipe, class_="label", x=label.x, y=label.y, text_anchor=label.anchor)
    return markup(chart)


def _lines(task: TaskComparison) -> dict[str, Points]:
    """The points of each recipe with at least two, all with different numbers of tokens."""
    found: dict[str, Points] = defaultdict(list)
    for cell in task.cells:
        origin = next((run.record.provenance.pretraining for run in cell.scored), None)
        if origin is not None and cell.estimate is not None:
            found[origin.recipe].append((origin.tokens, cell))
    ordered = {recipe: sorted(points, key=lambda point: point[0]) for recipe, points in sorted(found.items())}
    return {
        recipe: points
        for recipe, points in ordered.items()
        if len(points) > 1 and len({tokens for tokens, _ in points}) == len(points)
    }

"""The dot plot of a task: one strip per model for the rows of a table, all with the same axis.

Horizontal positions are percentages, so that a strip is as wide as its column while letters and marks keep their size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.comparison.results import Cell, Run, TaskComparison
from harness.counted import counted
from harness.metrics.lookup import unit_of
from harness.metrics.metric import Unit
from harness.reporting.charts.canvas import Scale, add, around, markup, plain
from harness.reporting.charts.marks import add_mark

HEIGHT, SMALL_HEIGHT, AXIS_HEIGHT = 34, 11, 16
SIDE = 4.0  # per cent of the width that marks at the ends need


@dataclass(frozen=True, slots=True)
class Strips:
    """The drawings of a task.

    Attributes:
        axis: The labels of the common axis.
        rows: The strip of each model with a score.
    """

    axis: Markup | str = ""
    rows: Mapping[str, Markup] = field(default_factory=dict)


def strips(task: TaskComparison, classes: Mapping[str, str], *, is_small: bool = False) -> Strips:
    """Draw each model with a score: a mark for its mean, a bar for the interval, a tick for each seed.

    A collapsed seed has a cross instead of a tick. The best simple baseline is drawn through all rows: models on its
    wrong side were not worth training.

    Args:
        task: The task comparison.
        classes: The CSS class of each model's colour and mark.
        is_small: Whether to omit grid, ticks, axis, and all simple baselines but the best, for a table with a column
            for each of many tasks.
    """
    cells, unit = task.ranked, unit_of(task.card.main_metric)
    if not cells:
        return Strips()
    best = next((cell for cell in cells if cell.is_simple_baseline), None)
    spanned = [cell for cell in cells if cell is best or not (is_small and cell.is_simple_baseline)]
    scale = Scale(*around(_extent(spanned, unit, with_seeds=not is_small), margin=0.02), SIDE, 100 - SIDE)
    line = None if best is None else _place(scale, unit, best.mean.value)
    if is_small:
        return Strips(rows={cell.model: _small(cell, unit, scale, classes[cell.model], line) for cell in spanned})
    labels = plain(scale.ticks(4))
    grid = [_percent(scale(value)) for value in labels]
    rows = {cell.model: _row(cell, unit, scale, classes[cell.model], grid, line) for cell in cells}
    return Strips(_axis(scale, labels), rows)


def _extent(cells: Sequence[Cell], unit: Unit, *, with_seeds: bool) -> list[float]:
    ends = [value for cell in cells for value in unit.ends(cell.mean)]
    return ends + [run.score * unit.factor for c in cells for run in c.scored if with_seeds and run.score is not None]


def _axis(scale: Scale, labels: Mapping[float, str]) -> Markup:
    root = _strip("strip axis", AXIS_HEIGHT)
    for value, label in labels.items():
        add(root, "text", label, class_="tick", x=_percent(scale(value)), y=12, text_anchor="middle")
    return markup(root)


def _row(cell: Cell, unit: Unit, scale: Scale, class_: str, grid: Sequence[str], line: str | None) -> Markup:
    root = _strip(f"strip {class_}", HEIGHT)
    collapsed = f", {len(cell.collapsed)} of them collapsed" if cell.collapsed else ""
    seeds = counted(len(cell.scored), "seed")
    add(root, "title", f"{cell.model}: {unit.with_interval(cell.mean)}, {seeds}{collapsed}")
    for x in grid:
        add(root, "line", class_="grid", x1=x, x2=x, y1=0, y2="100%")
    _common(root, cell, unit, scale, line, middle=HEIGHT / 2)
    for run in cell.scored:
        _seed(root, run, _place(scale, unit, run.score or 0.0))
    add_mark(root, class_, _place(scale, unit, cell.mean.value), HEIGHT / 2)
    return markup(root)


def _small(cell: Cell, unit: Unit, scale: Scale, class_: str, line: str | None) -> Markup:
    root = _strip(f"strip small {class_}", SMALL_HEIGHT)
    add(root, "title", f"{cell.model}: {unit.with_interval(cell.mean)}")
    _common(root, cell, unit, scale, line, middle=SMALL_HEIGHT / 2)
    add(root, "circle", class_="dot", cx=_place(scale, unit, cell.mean.value), cy=SMALL_HEIGHT / 2, r=3.5)
    return markup(root)


def _common(root: Element, cell: Cell, unit: Unit, scale: Scale, line: str | None, *, middle: float) -> None:
    """The best simple baseline, and the interval."""
    if line is not None:
        add(root, "line", class_="baseline-line", x1=line, x2=line, y1=0, y2="100%")
    if cell.mean.low is not None and cell.mean.high is not None:
        ends = [_percent(scale(end)) for end in unit.ends(cell.mean)]
        class_ = "interval" if cell.mean.includes_seeds else "interval partial"
        add(root, "line", class_=class_, x1=ends[0], x2=ends[-1], y1=middle, y2=middle)


def _seed(root: Element, run: Run, x: str) -> None:
    if run.is_collapsed:
        inner = add(root, "svg", x=x, y=HEIGHT / 2, overflow="visible")
        add(inner, "path", class_="seed collapsed", d="M-5,-5L5,5M-5,5L5,-5")
    else:
        add(root, "line", class_="seed", x1=x, x2=x, y1=HEIGHT / 2 - 7, y2=HEIGHT / 2 + 7)


def _strip(class_: str, height: float) -> Element:
    """An empty strip. The table has its numbers, so screen readers can skip it."""
    return Element("svg", {"class": class_, "width": "100%", "height": f"{height:g}", "aria-hidden": "true"})


def _place(scale: Scale, unit: Unit, value: float) -> str:
    return _percent(scale(value * unit.factor))


def _percent(value: float) -> str:
    return f"{value:.2f}%"

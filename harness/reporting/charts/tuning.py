"""Tuning curves: the best validation score by number of trials or by time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.comparison.formatting import duration
from harness.comparison.results import TaskComparison
from harness.comparison.tuned import TunedModel
from harness.metrics.lookup import metric_name, unit_of
from harness.metrics.metric import Unit
from harness.reporting.charts.canvas import WIDTH, Scale, add, drawing, horizontal_axis, markup, path, plain
from harness.reporting.charts.labels import along, placed
from harness.reporting.charts.scores import BOTTOM, LEFT, TOP, score_axis
from harness.reporting.charts.times import factor_around, time_labels
from harness.tuning.curves import TuningCurve

RIGHT = WIDTH - 14
Points = list[tuple[float, float]]


def tuning_curves(task: TaskComparison, classes: Mapping[str, str], *, by_time: bool = False) -> Markup | None:
    """The median best validation score and its band, by trials or by their time; None if there was no choice."""
    tuned = [
        (one, one.curve)
        for one in task.tuned
        if one.curve is not None and len(one.trials) > 1 and any(map(math.isfinite, one.curve.typical))
    ]
    if not tuned:
        return None
    unit, measure = unit_of(task.card.main_metric), metric_name(task.card.main_metric)
    title = "time of all trials" if by_time else "trials"
    chart = drawing(BOTTOM + 42, f"{task.task}: {measure} on validation of the best trial, by the {title}")
    x = _axis(chart, [one for one, _ in tuned], title, by_time=by_time)
    y = score_axis(chart, task, [value for _, curve in tuned for value in _heights(curve, unit)], right=RIGHT)
    lines = {one.model: _points(one, curve.typical, x, y, unit, by_time=by_time) for one, curve in tuned}
    ends = [points[-1] for points in lines.values()]
    drawn = [part for points in lines.values() for part in along(_stairs(points))]
    labels = placed([*lines], ends, left=LEFT, right=RIGHT, lines=drawn)
    for (one, curve), label in zip(tuned, labels, strict=True):
        group = add(chart, "g", class_=classes[one.model])
        add(group, "title", f"{one.model}: {len(one.trials)} trials, {duration(one.seconds)}")
        low, high = (_points(one, end, x, y, unit, by_time=by_time) for end in (curve.low, curve.high))
        add(group, "path", class_="band", d=f"{path(_stairs([*low]) + _stairs([*high])[::-1])}Z")
        add(group, "path", class_="path", d=path(_stairs(lines[one.model])))
        if label is not None:
            add(group, "text", one.model, class_="label", x=label.x, y=label.y, text_anchor=label.anchor)
    return markup(chart)


def _axis(chart: Element, tuned: Sequence[TunedModel], title: str, *, by_time: bool) -> Scale:
    if by_time:
        ends = [_place(one, count, by_time=True) for one in tuned for count in (1, len(one.trials))]
        x = Scale(*factor_around(ends), LEFT, RIGHT, is_log=True)
        labels = time_labels(x)
    else:
        most = max(len(one.trials) for one in tuned)
        x = Scale(1.0, float(most), LEFT + 10, RIGHT - 6)
        labels = plain([tick for tick in x.ticks(min(most - 1, 8)) if tick == round(tick)])
    horizontal_axis(chart, x, top=TOP, bottom=BOTTOM, title=title, labels=labels)
    return x


def _place(one: TunedModel, count: int, *, by_time: bool) -> float:
    """The number of trials, or their average time."""
    return max(count * one.seconds / len(one.trials), 1e-3) if by_time else float(count)


def _heights(curve: TuningCurve, unit: Unit) -> list[float]:
    """The values to show: the curve, and the band where it is not just the range of the score."""
    band = [value for value in (*curve.low, *curve.high) if value not in (unit.least, unit.most)]
    return [value * unit.factor for value in (*curve.typical, *band) if math.isfinite(value)]


def _points(one: TunedModel, values: Sequence[float], x: Scale, y: Scale, unit: Unit, *, by_time: bool) -> Points:
    """The points of the values by number of trials, clipped to the axis."""
    return [
        (x(_place(one, count, by_time=by_time)), y(min(max(value * unit.factor, y.low), y.high)))
        for count, value in enumerate(values, 1)
    ]


def _stairs(points: Points) -> Points:
    """Join the points by steps, because there is nothing between two numbers of trials."""
    return [
        point
        for before, (x, y) in zip([points[0], *points], points, strict=False)
        for point in ((x, before[1]), (x, y))
    ]

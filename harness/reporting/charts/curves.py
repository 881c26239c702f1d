"""Learning curves: training and validation loss by step, which show overfitting."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.comparison.formatting import amount
from harness.comparison.results import Cell, TaskComparison
from harness.record import CurvePoint, RunRecord
from harness.reporting.charts.canvas import Scale, add, drawing, horizontal_axis, markup, path, plain, vertical_axis

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 320, 40, 306, 10, 150
LARGEST = 1e100  # Larger or non-finite losses are not drawn.


def learning_curves(task: TaskComparison) -> dict[str, Markup]:
    """One chart per model with a curve, all with the same loss axis."""
    drawn = [cell for cell in task.cells if _points(cell)]
    losses = [loss for cell in drawn for point in _points(cell) for loss in (point.train_loss, point.validation_loss)]
    finite = [loss for loss in losses if abs(loss) <= LARGEST]
    if not finite:
        return {}
    y = Scale(0.0, max(finite) * 1.05, BOTTOM, TOP)
    return {cell.model: _chart(cell, y) for cell in drawn}


def _chart(cell: Cell, y: Scale) -> Markup:
    chart = drawing(
        BOTTOM + 40, f"{cell.model}: training and validation loss by step, a pair of lines per seed", width=WIDTH
    )
    x = Scale(0.0, float(max(point.step for point in _points(cell))), LEFT, RIGHT)
    labels = {value: amount(value) for value in x.ticks(4)}
    horizontal_axis(chart, x, top=TOP, bottom=BOTTOM, title="step", labels=labels)
    vertical_axis(chart, y, left=LEFT, right=RIGHT, labels=plain(y.ticks()))
    for record in _records(cell):
        if record.curve:
            _lines(add(chart, "g"), record, x, y)
    return markup(chart)


def _lines(group: Element, record: RunRecord, x: Scale, y: Scale) -> None:
    points = [point for point in record.curve if max(abs(point.train_loss), abs(point.validation_loss)) <= LARGEST]
    if not points:
        return
    kept = "" if record.best_step is None else f", weights of step {record.best_step} kept"
    add(group, "title", f"{record.which}{kept}")
    add(group, "path", class_="train", d=path([(x(point.step), y(point.train_loss)) for point in points]))
    add(group, "path", class_="validation", d=path([(x(point.step), y(point.validation_loss)) for point in points]))
    for point in points:
        if point.step == record.best_step:
            add(group, "circle", class_="best", cx=x(point.step), cy=y(point.validation_loss), r=4)


def _points(cell: Cell) -> list[CurvePoint]:
    return [point for record in _records(cell) for point in record.curve]


def _records(cell: Cell) -> list[RunRecord]:
    return [training.record for run in cell.runs for training in run.trainings]

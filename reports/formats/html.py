"""HTML: one file that needs nothing else, for a browser, a phone, a printer."""

from __future__ import annotations

from reports import provenance
from reports.cells import Comparison
from reports.charts.curves import learning_curves
from reports.charts.forest import forest
from reports.charts.pretraining import pretraining_curves
from reports.charts.tradeoff import tradeoff
from reports.templates import rendered

COLOURS = 7
"""How many colours report.css.j2 has."""


def render(comparison: Comparison) -> str:
    """The report as a page, its styles and charts inside."""
    return rendered(
        "report.html.j2",
        comparison,
        classes=colour_classes(comparison),
        forest=forest,
        tradeoff=tradeoff,
        learning_curves=learning_curves,
        pretraining_curves=pretraining_curves,
        provenance=provenance,
    )


def colour_classes(comparison: Comparison) -> dict[str, str]:
    """The class of each model's colour, the same in every chart; the floors share a grey one."""
    floors = {cell.model for task in comparison.tasks for cell in task.cells if cell.is_floor}
    trained = [model for model in comparison.models if model not in floors]
    return dict.fromkeys(floors, "floor") | {model: f"c{i % COLOURS}" for i, model in enumerate(trained)}

"""HTML: one file that needs nothing else, for a browser, a phone, a printer."""

from __future__ import annotations

from pathlib import Path

from harness.comparison.results import Comparison
from harness.reporting import provenance
from harness.reporting.charts.curves import learning_curves
from harness.reporting.charts.forest import forest
from harness.reporting.charts.mean_ranks import mean_ranks
from harness.reporting.charts.pretraining import pretraining_curves
from harness.reporting.charts.sizes import size_curves
from harness.reporting.charts.tradeoff import tradeoff
from harness.reporting.charts.tuning import tuning_curves
from harness.reporting.templates import rendered
from harness.reporting.tuning import order_lines

TEMPLATE = Path(__file__).with_name("report.html.j2")
COLOURS = 7
"""How many colours report.css.j2 has."""
MOST_CURVES = 24
"""More charts of learning curves than these are folded up, so that the tables below are found."""


def render(comparison: Comparison) -> str:
    """The report as a page, its styles and charts inside."""
    return rendered(
        TEMPLATE,
        comparison,
        classes=colour_classes(comparison),
        forest=forest,
        tradeoff=tradeoff,
        mean_ranks=mean_ranks,
        learning_curves=learning_curves,
        most_curves=MOST_CURVES,
        pretraining_curves=pretraining_curves,
        size_curves=size_curves,
        tuning_curves=tuning_curves,
        order_lines=order_lines,
        provenance=provenance,
    )


def colour_classes(comparison: Comparison) -> dict[str, str]:
    """The class of each model's colour, the same in every chart; the simple baselines share a grey one."""
    simple_baselines = {cell.model for task in comparison.tasks for cell in task.cells if cell.is_simple_baseline}
    trained = [model for model in comparison.models if model not in simple_baselines]
    return dict.fromkeys(simple_baselines, "baseline") | {model: f"c{i % COLOURS}" for i, model in enumerate(trained)}

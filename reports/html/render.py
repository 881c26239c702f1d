"""HTML: one file that needs nothing else, for a browser, a phone, a printer.

Its charts are SVG of our own and not a charting library's. Plotly and Vega put a script of megabytes into each page,
which is empty without it, prints as the screen was, and writes names into markup by rules of its own. An SVG of ours
stands in the page as text, a few bytes a point, is escaped like everything else, and has the page's colours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from markupsafe import Markup, escape

from harness.comparison.results import Comparison
from harness.reporting import overview, provenance
from harness.reporting.charts.curves import learning_curves
from harness.reporting.charts.marks import key, mark_classes
from harness.reporting.charts.mean_ranks import mean_ranks
from harness.reporting.charts.pretraining import pretraining_curves
from harness.reporting.charts.sizes import size_curves
from harness.reporting.charts.strips import strips
from harness.reporting.charts.tradeoff import tradeoff
from harness.reporting.charts.tuning import tuning_curves
from harness.reporting.columns import metric_label
from harness.reporting.entries import SIMPLE_BASELINE
from harness.reporting.errors_in_report import errors_of
from harness.reporting.remarks import sorted_remarks
from harness.reporting.sections import SECTIONS
from harness.reporting.templates import rendered
from harness.reporting.tuning import order_lines, trials_table, tuning_tables

TEMPLATE = Path(__file__).with_name("report.html.j2")
OPEN_CURVES = 4
"""More charts of learning curves than these are folded up, so that the tables below are found."""


def render(comparison: Comparison, *, only: Collection[str] = tuple(SECTIONS)) -> str:
    """The report as a page, its styles, script and charts inside.

    Args:
        comparison: What is shown.
        only: The sections that it has.
    """
    classes = colour_classes(comparison)

    def legend(models: Iterable[str]) -> Markup:
        """The marks of a chart's models, for the points that have no room for a name."""
        keys = [Markup("<span>{}{}</span>").format(key(classes[model]), model) for model in models]
        return Markup('<p class="legend">{}</p>').format(Markup(" ").join(keys))

    return rendered(
        TEMPLATE,
        comparison,
        only=only,
        classes=classes,
        overview=overview,
        sorted_remarks=sorted_remarks,
        mark_key=key,
        simple_baseline=SIMPLE_BASELINE,
        legend=legend,
        breakable=breakable,
        strips=strips,
        metric_label=metric_label,
        tradeoff=tradeoff,
        mean_ranks=mean_ranks,
        learning_curves=learning_curves,
        open_curves=OPEN_CURVES,
        pretraining_curves=pretraining_curves,
        size_curves=size_curves,
        tuning_curves=tuning_curves,
        tuning_tables=tuning_tables,
        trials_table=trials_table,
        order_lines=order_lines,
        errors_of=errors_of,
        provenance=provenance,
    )


def colour_classes(comparison: Comparison) -> dict[str, str]:
    """The class of each model's colour and mark, the same in every chart; the simple baselines share a grey one."""
    simple_baselines = {cell.model for task in comparison.tasks for cell in task.cells if cell.is_simple_baseline}
    return mark_classes([model for model in comparison.models if model not in simple_baselines], simple_baselines)


def breakable(name: str) -> Markup:
    """A name that may be broken behind its joints, in the head of a narrow column."""
    escaped = str(escape(name))
    for joint in "_-/":
        escaped = escaped.replace(joint, f"{joint}<wbr>")
    return Markup(escaped)

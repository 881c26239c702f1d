"""Templates: jinja2 set up for a format, with the content that all formats show of a comparison."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.comparison.conclusions import beside_tables, verdict
from harness.comparison.conclusions_over_tasks import verdict_over_tasks
from harness.comparison.curves import curve_verdict
from harness.comparison.recommendation import recommended
from harness.comparison.results import Comparison
from harness.counted import counted
from harness.reporting import tables
from harness.reporting.remarks import remarks


def rendered(
    template: Path, comparison: Comparison, *, escape: Callable[[str], str] | None = None, **more: object
) -> str:
    """Render a template.

    Args:
        template: The file, such as report.tex.j2 next to a format's render.py; it can include files next to it.
        comparison: The comparison to show.
        escape: Escapes text for the format; default: HTML escaping, applied automatically.
        more: Further variables of the template.
    """
    return (
        _environment(template.parent, escape)
        .get_template(template.name)
        .render(
            comparison=comparison,
            counted=counted,
            tables=tables,
            verdict=verdict,
            beside_tables=beside_tables,
            curve_verdict=curve_verdict,
            verdict_over_tasks=verdict_over_tasks,
            recommended=recommended,
            remarks=remarks,
            **more,
        )
    )


@lru_cache(maxsize=16)
def _environment(folder: Path, escape: Callable[[str], str] | None) -> Environment:
    """The environment, cached because templates take longer to compile than to render; changed files are reloaded."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        # HTML is escaped automatically. Other templates call `e` and are tested with hostile names.
        autoescape=escape is None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    if escape is not None:
        environment.filters["e"] = escape
    return environment

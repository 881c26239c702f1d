"""Templates: jinja2 set up for one format, with what all formats say of a comparison."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.comparison.conclusions import verdict
from harness.comparison.conclusions_over_tasks import verdict_over_tasks
from harness.comparison.curves import curve_verdict
from harness.comparison.recommendation import recommended
from harness.comparison.results import Comparison
from harness.reporting import tables
from harness.reporting.remarks import remarks


def rendered(
    template: Path, comparison: Comparison, *, escape: Callable[[str], str] | None = None, **more: object
) -> str:
    """A template, filled in.

    Args:
        template: The file, such as report.tex.j2 beside a format's render.py; those beside it can be included.
        comparison: What it shows.
        escape: Makes a text harmless in the format; default: HTML's, applied to everything.
        more: Further names for the template.
    """
    return (
        _environment(template.parent, escape)
        .get_template(template.name)
        .render(
            comparison=comparison,
            tables=tables,
            verdict=verdict,
            curve_verdict=curve_verdict,
            verdict_over_tasks=verdict_over_tasks,
            recommended=recommended,
            remarks=remarks,
            **more,
        )
    )


@lru_cache(maxsize=16)
def _environment(folder: Path, escape: Callable[[str], str] | None) -> Environment:
    """Kept with its compiled templates, which take longer to compile than to fill in; a changed file is read anew."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        # HTML escapes by itself. The others call `e` in their templates and are tested with hostile names.
        autoescape=escape is None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    if escape is not None:
        environment.filters["e"] = escape
    return environment

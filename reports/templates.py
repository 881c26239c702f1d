"""Templates: jinja2 set up for one format, with what all formats say of a comparison."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports import tables
from reports.cells import Comparison
from reports.remarks import remarks
from reports.verdict import verdict


def rendered(name: str, comparison: Comparison, *, escape: Callable[[str], str] | None = None, **more: object) -> str:
    """The template `name` of reports/formats, filled in.

    Args:
        name: The file, such as report.tex.j2.
        comparison: What it shows.
        escape: Makes a text harmless in the format; default: HTML's, applied to everything.
        more: Further names for the template.
    """
    environment = Environment(
        loader=PackageLoader("reports", "formats"),
        # HTML escapes by itself. The others call `e` in their templates and are tested with hostile names.
        autoescape=escape is None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    if escape is not None:
        environment.filters["e"] = escape
    return environment.get_template(name).render(
        comparison=comparison, tables=tables, verdict=verdict, remarks=remarks, **more
    )

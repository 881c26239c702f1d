"""Markdown: for a README, an issue, a wiki."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from harness.comparison.results import Comparison
from harness.reporting import overview
from harness.reporting.entries import Entry
from harness.reporting.remarks import sorted_remarks
from harness.reporting.templates import rendered

TEMPLATE = Path(__file__).with_name("report.md.j2")
SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$])")


SECTIONS = (
    "advice", "scores", "over-tasks", "curves", "runs", "differences", "cost", "tuning", "setup", "method",
)  # fmt: skip


def render(comparison: Comparison, *, only: Collection[str] = SECTIONS) -> str:
    """The report as GitHub-flavoured Markdown.

    Args:
        comparison: What is shown.
        only: The sections that it has.
    """
    more = {"field": field, "only": only, "sorted_remarks": sorted_remarks, "overview": overview}
    return rendered(TEMPLATE, comparison, escape=escaped, **more)


def escaped(text: str) -> str:
    r"""`text` with everything that Markdown or HTML in it would act on made literal.

    >>> escaped("a_b | <i>")
    'a\\_b \\| \\<i\\>'
    """
    return SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;")


def field(entry: Entry) -> str:
    """A table's field."""
    return f"**{escaped(entry.text)}**" if entry.is_strong else escaped(entry.text)

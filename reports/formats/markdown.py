"""Markdown: for a README, an issue, a wiki."""

from __future__ import annotations

import re

from reports.cells import Comparison
from reports.tables import Entry
from reports.templates import rendered

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$])")


def render(comparison: Comparison) -> str:
    """The report as GitHub-flavoured Markdown."""
    return rendered("report.md.j2", comparison, escape=escaped, field=field)


def escaped(text: str) -> str:
    r"""`text` with everything that Markdown or HTML in it would act on made literal.

    >>> escaped("a_b | <i>")
    'a\\_b \\| \\<i\\>'
    """
    return SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;")


def field(entry: Entry) -> str:
    """A table's field."""
    return f"**{escaped(entry.text)}**" if entry.is_strong else escaped(entry.text)

r"""LaTeX: a table per question for a paper, to be \input; needs booktabs, siunitx 3 and threeparttable."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from harness.comparison.results import Comparison
from harness.reporting.latex.fitting import tabulars
from harness.reporting.latex.questions import questions, section_of
from harness.reporting.latex.text import DEFINITION, escaped
from harness.reporting.remarks import sorted_remarks
from harness.reporting.templates import rendered

TEMPLATE = Path(__file__).with_name("report.tex.j2")


SECTIONS = ("scores", "differences", "over-tasks", "curves", "cost", "runs", "tuning", "advice", "method")


def render(comparison: Comparison, *, columns: int = 1, only: Collection[str] = SECTIONS) -> str:
    """The tables as LaTeX, then what they show in sentences.

    Args:
        comparison: What is shown.
        columns: Of the paper's pages; in one of two, a wide table stands across both.
        only: The sections that it has: tables, what they show in sentences, and how to read them.
    """
    prefix = re.sub(r"[^a-z0-9]+", "-", Path(comparison.runs).name.lower()).strip("-") or "report"
    asked = [one for one in questions(comparison) if section_of(one) in only]
    found = [table for one in asked for table in tabulars(one, columns=columns, prefix=prefix)]
    more = {"found": found, "definition": DEFINITION, "only": only, "sorted_remarks": sorted_remarks}
    return rendered(TEMPLATE, comparison, escape=escaped, **more)

r"""LaTeX: a table per question for a paper, to be \input; needs booktabs, siunitx 3 and threeparttable."""

from __future__ import annotations

import re
from pathlib import Path

from harness.comparison.results import Comparison
from harness.reporting.latex.fitting import tabulars
from harness.reporting.latex.questions import questions
from harness.reporting.latex.text import DEFINITION, escaped
from harness.reporting.templates import rendered

TEMPLATE = Path(__file__).with_name("report.tex.j2")


def render(comparison: Comparison, *, columns: int = 1) -> str:
    """The tables as LaTeX, then what they show in sentences.

    Args:
        comparison: What is shown.
        columns: Of the paper's pages; in one of two, a wide table stands across both.
    """
    prefix = re.sub(r"[^a-z0-9]+", "-", Path(comparison.runs).name.lower()).strip("-") or "report"
    found = [table for one in questions(comparison) for table in tabulars(one, columns=columns, prefix=prefix)]
    return rendered(TEMPLATE, comparison, escape=escaped, found=found, definition=DEFINITION)

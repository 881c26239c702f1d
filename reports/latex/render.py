r"""LaTeX: tables for a paper, to be \input; needs the packages booktabs and textcomp."""

from __future__ import annotations

from pathlib import Path

from harness.comparison.results import Comparison
from harness.reporting.entries import Entry
from harness.reporting.templates import rendered

TEMPLATE = Path(__file__).with_name("report.tex.j2")
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "–": "--",
    "“": "``",
    "”": "''",
}
TRANSLATION = str.maketrans(SPECIAL)


def render(comparison: Comparison) -> str:
    """The tables as LaTeX, with the verdicts and footnotes as text."""
    return rendered(TEMPLATE, comparison, escape=escaped, field=field)


def escaped(text: str) -> str:
    r"""`text` with LaTeX's special characters made literal.

    >>> escaped("50 % of a_b")
    '50 \\% of a\\_b'
    """
    return " ".join(text.split()).translate(TRANSLATION)


def field(entry: Entry) -> str:
    """A table's field."""
    return rf"\textbf{{{escaped(entry.text)}}}" if entry.is_strong else escaped(entry.text)

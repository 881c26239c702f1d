"""The comparison in a terminal."""

from __future__ import annotations

import re

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from harness.comparison.conclusions import verdict
from harness.comparison.conclusions_over_tasks import verdict_over_tasks
from harness.comparison.curves import curve_verdict
from harness.comparison.recommendation import recommended
from harness.comparison.results import Comparison
from harness.printable import printable
from harness.reporting import tables
from harness.reporting.entries import SIMPLE_BASELINE, Entry
from harness.reporting.remarks import remarks

SIGN = "°"
_POSITIVE_INTERVAL = re.compile(r"(?<![−\d.+-])(\d[\d.,]*) to (\d)")


def show(comparison: Comparison, console: Console) -> None:
    """Print the verdicts, the scores, the differences, the costs, and everything that is missing."""
    overview = tables.scores(comparison)
    if overview is not None:
        print_table(overview, console)
    together = tables.over_tasks(comparison)
    if together is not None:
        console.print(_text("\nOver all tasks", "bold"))
        console.print(_text(" ".join(verdict_over_tasks(comparison))))
        print_table(together, console)
    for curves in comparison.curves:
        console.print(_text(f"\n{tables.curve_title(comparison, curves)}", "bold"))
        console.print(_text(" ".join(curve_verdict(curves))))
        print_table(tables.by_size(curves), console)
    for task in comparison.tasks:
        console.print(_text(f"\n{tables.title(comparison, task)}", "bold"))
        advice = recommended(task)
        console.print(_text(advice.advice, "bold"))
        console.print(_text(" ".join([*advice.reasons, *verdict(task)])))
        for table in tables.of_task(task):
            print_table(table, console)
    for note in tables.footnotes(comparison):
        console.print(_text(note, "dim"))
    for line in remarks(comparison):
        console.print(_text(line, "yellow"))


def print_table(table: tables.Table, console: Console) -> None:
    """Print one table."""
    shown = RichTable(title=_text(table.caption), title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    for index, heading in enumerate(table.headings):
        shown.add_column(_text(heading), justify="right" if index else "left", no_wrap=not index)
    for row in table.rows:
        shown.add_row(*(_text(_short(entry.text), _style(entry)) for entry in row))
    console.print(shown)
    if any(entry.text.endswith(SIMPLE_BASELINE) for row in table.rows for entry in row[:1]):
        console.print(_text(f"{SIGN} simple baseline", "dim"))


def _short(text: str) -> str:
    """A field in fewer characters, so that tables fit into a narrow terminal.

    >>> _short("82.3 (78.8 to 85.3)"), _short("0.6 (−8.4 to 9.5)"), _short("tfidf (simple baseline)")
    ('82.3 (78.8–85.3)', '0.6 (−8.4 to 9.5)', 'tfidf °')
    """
    return _POSITIVE_INTERVAL.sub(r"\1–\2", text).replace(SIMPLE_BASELINE, f" {SIGN}")


def _text(text: str, style: str = "") -> Text:
    """A text and not a string: a name in square brackets is no markup."""
    return Text(printable(text), style=style)


def _style(entry: Entry) -> str:
    if entry.is_strong:
        return "bold green"
    return "dim" if entry.is_faint else ""

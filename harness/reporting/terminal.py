"""The comparison in a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from harness.comparison.conclusions import verdict
from harness.comparison.results import Comparison
from harness.reporting import tables
from harness.reporting.entries import Entry
from harness.reporting.remarks import remarks


def show(comparison: Comparison, console: Console) -> None:
    """Print the verdicts, the scores, the differences, the costs, and everything that is missing."""
    _print_table(tables.scores(comparison), console)
    for task in comparison.tasks:
        console.print(Text(f"\n{tables.title(comparison, task)}", style="bold"))
        console.print(Text(" ".join(verdict(task))))
        for table in tables.of_task(task):
            _print_table(table, console)
    for note in tables.footnotes(comparison):
        console.print(Text(note, style="dim"))
    for line in remarks(comparison):
        console.print(Text(line, style="yellow"))


def _print_table(table: tables.Table, console: Console) -> None:
    # Texts and not strings: a name in square brackets is no markup.
    shown = RichTable(title=Text(table.caption), title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    for index, heading in enumerate(table.headings):
        shown.add_column(Text(heading), justify="right" if index else "left")
    for row in table.rows:
        shown.add_row(*(Text(entry.text, style=_style(entry)) for entry in row))
    console.print(shown)


def _style(entry: Entry) -> str:
    if entry.is_strong:
        return "bold green"
    return "dim" if entry.is_faint else ""

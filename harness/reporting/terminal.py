"""Show a comparison in a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from textwrap import wrap
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from harness.comparison.conclusions import beside_tables
from harness.comparison.conclusions_over_tasks import verdict_over_tasks
from harness.comparison.curves import curve_verdict
from harness.comparison.recommendation import Recommendation, recommended
from harness.comparison.results import Comparison
from harness.printable import printable
from harness.reporting import overview, tables
from harness.reporting.entries import SIMPLE_BASELINE, Entry, Table
from harness.reporting.remarks import remarks

SIGN = "°"
SHORT = 6
"""Fields of up to this many characters are not wrapped, and headings are at least as wide."""
_POSITIVE_INTERVAL = re.compile(r"(?<![−\d.+-])(\d[\d.,]*) to (\d)")


def show(comparison: Comparison, console: Console) -> None:
    """Print the recommendation, the conclusions, scores, differences and costs, and everything that is missing."""
    if len(comparison.tasks) > 1:
        _show_together(comparison, console)
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
        print_advice(recommended(task), console, also=beside_tables(task))
        for table in tables.of_task(task):
            print_table(table, console)
    for note in tables.footnotes(comparison):
        console.print(_text(note, "dim"))
    for line in remarks(comparison):
        console.print(_text(line, "yellow"))


def _show_together(comparison: Comparison, console: Console) -> None:
    """Print what to use and the scores on all tasks, of which a single one has its own table below."""
    if use := overview.advice(comparison):
        console.print(_text(use, "bold"))
    if (scores := tables.scores(comparison)) is not None:
        print_table(scores, console)


def print_advice(found: Recommendation, console: Console, *, also: Sequence[str] = ()) -> None:
    """Print a recommendation, and below it the reasons and what else is to be said, a paragraph each."""
    console.print(_text(found.advice, "bold green" if found.kind in ("best", "cheapest") else "bold"))
    for line in (*found.reasons, *also):
        console.print(Padding(_text(line), (0, 0, 0, 2), expand=False))


def print_table(table: Table, console: Console) -> None:
    """Print one table; in parts, or else row by row, if a line is too narrow for its columns side by side."""
    for part in _parts(table, console.width):
        gap, widths = _layout(part, console.width)
        if widths is None:
            _print_rows(part, console)
        else:
            console.print(_side_by_side(part, gap, widths))
    if any(entry.text.endswith(SIMPLE_BASELINE) for row in table.rows for entry in row[:1]):
        console.print(_text(f"{SIGN} simple baseline", "dim"))


def _side_by_side(table: Table, gap: int, widths: Sequence[int]) -> RichTable:
    """The table with its columns at these widths."""
    shown = RichTable(
        title=_text(table.caption),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        title_style="bold",
        padding=(0, gap // 2, 0, (gap - 1) // 2),
    )
    for index, (heading, width) in enumerate(zip(table.headings, widths, strict=True)):
        justify: Literal["left", "right"] = "right" if index else "left"
        shown.add_column(_text(heading), justify=justify, no_wrap=not index, width=width, overflow="fold")
    for row in table.rows:
        shown.add_row(*(_text(_short(entry.text), _style(entry)) for entry in row))
    return shown


def _parts(table: Table, line: int) -> list[Table]:
    """The table, or if words of its headings would be broken, its columns in as few parts as break none.

    Each part has the names of the rows and at least two other columns; the table stays whole if no parts would do.
    """
    count = len(table.headings) - 1
    for parts in range(1, count // 2 + 1):
        ends = [round(count * part / parts) for part in range(parts + 1)]
        found = [_part(table, start, end) for start, end in pairwise(ends)]
        if all(_is_unbroken(part, line) for part in found):
            return found
    return [table]


def _part(table: Table, start: int, end: int) -> Table:
    """The names of the rows and the columns from `start` to before `end`, not counting the names."""
    kept = [0, *range(start + 1, end + 1)]
    return Table(
        f"{table.caption}{', continued' if start else ''}",
        tuple(table.headings[index] for index in kept),
        tuple(tuple(row[index] for index in kept) for row in table.rows),
    )


def _is_unbroken(table: Table, line: int) -> bool:
    """Return whether a line has room for every word of the fields and headings."""
    _, widths = _layout(table, line)
    return widths is not None and not _any_below(widths, [_longest_word(heading) for heading in table.headings])


def _layout(table: Table, line: int) -> tuple[int, list[int] | None]:
    """Choose the gap between columns and their widths, which are None if the line is too short for the fields.

    The widest gap at which no word of a heading is broken is taken, and the narrowest if there is none.
    """
    found = [(gap, _widths(table, line - gap * len(table.headings) - 1)) for gap in (3, 2, 1)]
    named = [_longest_word(heading) for heading in table.headings]
    return next((pair for pair in found if pair[1] is not None and not _any_below(pair[1], named)), found[-1])


def _any_below(widths: Sequence[int], least: Sequence[int]) -> bool:
    return any(width < name for width, name in zip(widths, least, strict=True))


def _widths(table: Table, room: int) -> list[int] | None:
    """Return column widths in which no word of a field is broken, or None if there is no room for that.

    If room is short, fields and headings wrap between words first, and then words of headings are broken. If room is
    left, headings take fewer lines.
    """
    fields = [[printable(_short(row[place].text)) for row in table.rows] for place in range(len(table.headings))]
    whole = [max(map(cell_len, column), default=0) for column in fields]
    named = [_longest_word(heading) for heading in table.headings]
    least = [whole[0], *(max((_unbroken(field) for field in column), default=0) for column in fields[1:])]
    if sum(least) > room:
        return None
    headings = [[_in_lines(heading, lines) for heading in table.headings] for lines in (3, 2, 1)]
    for wanted in ([min(name, SHORT) for name in named], named, whole, *headings):
        least = _grown(least, wanted, room)
    return least


def _in_lines(text: str, lines: int) -> int:
    """The smallest width at which a text takes at most `lines` lines.

    >>> _in_lines("May be the best, at most", 2), _in_lines("May be the best, at most", 1)
    (13, 24)
    """
    widths = range(max(_longest_word(text), 1), cell_len(text) + 2)
    return next((width for width in widths if len(wrap(text, width)) <= lines), cell_len(text))


def _grown(widths: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Increase widths towards those wanted, smallest shortfall first, as long as there is room."""
    found = list(widths)
    for place in sorted(range(len(found)), key=lambda index: wanted[index] - found[index]):
        found[place] += max(min(wanted[place] - found[place], room - sum(found)), 0)
    return found


def _unbroken(field: str) -> int:
    """The minimum width of a field; short ones stay on one line."""
    return cell_len(field) if cell_len(field) <= SHORT else _longest_word(field)


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split(" ")), default=0)


def _print_rows(table: Table, console: Console) -> None:
    """Print a table row by row, one line per field, if a line is too narrow for whole numbers side by side."""
    console.print(_text(f"\n{table.caption}", "bold"))
    for first, *others in table.rows:
        if first.text:
            console.print(_text(f"  {_short(first.text)}", _style(first) or "bold"))
        for heading, entry in zip(table.headings[1:], others, strict=True):
            if entry.text:
                console.print(_text(f"    {heading}: {_short(entry.text)}", _style(entry)))
    console.print()


def _short(text: str) -> str:
    """Abbreviate a field, so that tables fit into a narrow terminal.

    >>> _short("82.3 (78.8 to 85.3)"), _short("0.6 (−8.4 to 9.5)"), _short("tfidf (simple baseline)")
    ('82.3 (78.8–85.3)', '0.6 (−8.4 to 9.5)', 'tfidf °')
    """
    return _POSITIVE_INTERVAL.sub(r"\1–\2", text).replace(SIMPLE_BASELINE, f" {SIGN}")


def _text(text: str, style: str = "") -> Text:
    """Convert to a text object, so that square brackets are not read as markup."""
    return Text(printable(text), style=style)


def _style(entry: Entry) -> str:
    if entry.is_strong:
        return "bold green"
    return "dim" if entry.is_faint else ""

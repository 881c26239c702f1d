"""A comparison as a notebook shows it: the conclusions and tables of the HTML report, without its page around them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from harness.comparison.conclusions import beside_tables
from harness.comparison.conclusions_over_tasks import verdict_over_tasks
from harness.comparison.curves import curve_verdict
from harness.comparison.recommendation import recommended
from harness.comparison.results import Comparison
from harness.printable import printable
from harness.reporting import tables
from harness.reporting.entries import Entry, Table
from harness.reporting.remarks import remarks


def notebook_html(comparison: Comparison) -> str:
    """The comparison as a fragment of HTML that takes its colours from the page; every name in it is escaped."""
    return printable("\n".join(["<div>", *_parts(comparison), "</div>"]))


def _parts(comparison: Comparison) -> Iterator[str]:
    overview = tables.scores(comparison)
    if overview is not None:
        yield _table(overview)
    together = tables.over_tasks(comparison)
    if together is not None:
        yield "<h4>Over all tasks</h4>"
        yield f"<p>{escape(' '.join(verdict_over_tasks(comparison)))}</p>"
        yield _table(together)
    for curves in comparison.curves:
        yield f"<h4>{escape(tables.curve_title(comparison, curves))}</h4>"
        yield f"<p>{escape(' '.join(curve_verdict(curves)))}</p>"
        yield _table(tables.by_size(curves))
    for task in comparison.tasks:
        yield f"<h4>{escape(tables.title(comparison, task))}</h4>"
        found = recommended(task)
        yield f"<p><b>{escape(found.advice)}</b> {escape(' '.join([*found.reasons, *beside_tables(task)]))}</p>"
        yield from map(_table, tables.of_task(task))
    yield _list(tables.footnotes(comparison))
    yield _list(remarks(comparison))


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in table.headings)
    body = "\n".join(f"<tr>{''.join(map(_field, row))}</tr>" for row in table.rows)
    return (
        f'<table><caption style="text-align: left">{escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )


def _field(entry: Entry) -> str:
    text = escape(entry.text)
    if entry.is_strong:
        return f"<td><b>{text}</b></td>"
    return f'<td style="opacity: 0.6">{text}</td>' if entry.is_faint else f"<td>{text}</td>"


def _list(lines: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""
